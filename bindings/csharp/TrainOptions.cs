using System;
using System.Collections.Generic;

namespace AlexNet
{
    /// <summary>Random changes of the pictures. A new one crops and flips, without a border.</summary>
    public sealed class Augmentation
    {
        /// <summary>A random crop (the default), else the centre.</summary>
        public bool RandomCrop { get; set; } = true;

        /// <summary>Mirrored half of the time; true by default.</summary>
        public bool Flip { get; set; } = true;

        /// <summary>A border of so many pixels, put around them before; 0 by default.</summary>
        public long Pad { get; set; }
    }

    /// <summary>How a trainer shall run. What is null, as all that may be is by default, comes from the network's own recipe;
    /// values are checked when a trainer is made.</summary>
    public sealed class TrainOptions
    {
        private string device = "cpu", parallelism = "data", classWeights = "none", freeze = "none";

        /// <summary>Passes over the data.</summary>
        public long? Epochs { get; set; }

        /// <summary>Images of one step: 1 up to the size of the data. null: the recipe's, or all data where there are fewer.</summary>
        public long? Batch { get; set; }

        /// <summary>At the start.</summary>
        public double? LearningRate { get; set; }

        /// <summary>0 or more, below 1.</summary>
        public double? Momentum { get; set; }

        /// <summary>0 or more.</summary>
        public double? WeightDecay { get; set; }

        /// <summary>The learning rate over time, in epochs: "constant"; "cosine", to zero over the whole training;
        /// "step:EVERY:FACTOR", times FACTOR after each EVERY epochs; "steps:E1,E2,...:FACTOR", times FACTOR at these epochs; or
        /// "plateau:FACTOR:PATIENCE", times FACTOR after PATIENCE epochs without progress of the top 1 over
        /// <see cref="Validation"/>, or of the training loss without one. null: the recipe's.</summary>
        public string Schedule { get; set; }

        /// <summary>Random changes of the pictures. null: crop and flip, with a border of 4 for inputs up to 64 pixels.</summary>
        public Augmentation Augmentation { get; set; }

        /// <summary>Deviation of colour noise along the principal components of the data's pixels; 0.1 in the paper, 0: none.
        /// null: the recipe's.</summary>
        public double? ColorNoise { get; set; }

        /// <summary>What is subtracted from pictures: "color" or "image", measured over the data, or "fixed". null: the
        /// recipe's, or "fixed" where there are initial weights.</summary>
        public string Mean { get; set; }

        /// <summary>Factors of single layers' learning rates: 0 freezes, "conv*" means what begins so. None by default.</summary>
        public IDictionary<string, double> LayerRates { get; } = new Dictionary<string, double>();

        /// <summary>Another side, in pixels, of the network's square input; null: its own.</summary>
        public long? InputSize { get; set; }

        /// <summary>Of every random draw; 1 by default.</summary>
        public ulong Seed { get; set; } = 1;

        /// <summary>"cpu" (the default), "reference", "cuda:0", or several with commas.</summary>
        public string Device
        {
            get => device;
            set => device = value ?? throw new ArgumentNullException(nameof(Device));
        }

        /// <summary>Threads that compute; 0, the default: the context's.</summary>
        public int Threads { get; set; }

        /// <summary>What activations and products are computed in; weights, gradients and sums stay Fp32. Others than Fp32,
        /// the default, need GPUs.</summary>
        public Precision Precision { get; set; } = Precision.Fp32;

        /// <summary>What several devices of a one-column network share: "data", the default, each batch's pictures; or "hybrid",
        /// pictures in the convolutions and units in the fully connected layers.</summary>
        public string Parallelism
        {
            get => parallelism;
            set => parallelism = value ?? throw new ArgumentNullException(nameof(Parallelism));
        }

        /// <summary>Threads that read pictures meanwhile, 1 by default; 0 reads them between the steps.</summary>
        public int DataThreads { get; set; } = 1;

        /// <summary>The share of each label that is spread over all classes: 0, the default, or more, below 1.</summary>
        public double LabelSmoothing { get; set; }

        /// <summary>How much the pictures of a class count in the loss: "none", the default, all alike; or "balanced", by
        /// N / (K n), of N pictures in K classes n in this one.</summary>
        public string ClassWeights
        {
            get => classWeights;
            set => classWeights = value ?? throw new ArgumentNullException(nameof(ClassWeights));
        }

        /// <summary>False switches dropout off; true by default.</summary>
        public bool Dropout { get; set; } = true;

        /// <summary>A weight file to start from, or a network whose weights come with the library; of its last layer the classes
        /// of the same names stay. null, the default: drawn weights.</summary>
        public string InitialWeights { get; set; }

        /// <summary>True draws the last layer of <see cref="InitialWeights"/> anew; false by default.</summary>
        public bool NewHead { get; set; }

        /// <summary>Which layers do not learn: "none", the default; or "all-but-last" of <see cref="InitialWeights"/>: what they
        /// make of each picture is computed once, and pictures are not varied.</summary>
        public string Freeze
        {
            get => freeze;
            set => freeze = value ?? throw new ArgumentNullException(nameof(Freeze));
        }

        /// <summary>A share of each class's pictures in place of <see cref="Validation"/>, which is not trained on: above 0, up
        /// to 0.5; 0, the default: none. A resumed training goes on with its own.</summary>
        public double ValidationShare { get; set; }

        /// <summary>Pictures to measure after each epoch of <see cref="Trainer.Run"/>: <see cref="TrainingStep"/> tells of it,
        /// <see cref="Trainer.KeepBest"/> and a plateau go by it. Their classes have the names of the training data's. null, the
        /// default: none.</summary>
        public Dataset Validation { get; set; }

        internal TrainOptionsHandle ToNative()
        {
            Native.Match();
            Native.Check(Native.alexnet_train_options_create(out TrainOptionsHandle to));
            if (Epochs is long epochs) Native.Check(Native.alexnet_train_options_set_epochs(to, epochs));
            if (Batch is long batch) Native.Check(Native.alexnet_train_options_set_batch(to, batch));
            if (LearningRate is double rate) Native.Check(Native.alexnet_train_options_set_learning_rate(to, rate));
            if (Momentum is double momentum) Native.Check(Native.alexnet_train_options_set_momentum(to, momentum));
            if (WeightDecay is double decay) Native.Check(Native.alexnet_train_options_set_weight_decay(to, decay));
            if (Schedule != null) Native.Check(Native.alexnet_train_options_set_schedule(to, Native.Utf8(Schedule)));
            if (Augmentation is Augmentation a)
                Native.Check(Native.alexnet_train_options_set_augmentation(to, a.RandomCrop ? 1 : 0, a.Flip ? 1 : 0, a.Pad));
            if (ColorNoise is double noise) Native.Check(Native.alexnet_train_options_set_color_noise(to, noise));
            if (Mean != null) Native.Check(Native.alexnet_train_options_set_mean(to, Native.Utf8(Mean)));
            foreach (KeyValuePair<string, double> layer in LayerRates)
                Native.Check(Native.alexnet_train_options_set_layer_rate(to, Native.Utf8(layer.Key), layer.Value));
            if (InputSize is long side) Native.Check(Native.alexnet_train_options_set_input_size(to, side));
            Native.Check(Native.alexnet_train_options_set_seed(to, Seed));
            Native.Check(Native.alexnet_train_options_set_device(to, Native.Utf8(Device)));
            Native.Check(Native.alexnet_train_options_set_threads(to, Threads));
            Native.Check(Native.alexnet_train_options_set_precision(to, Precision));
            Native.Check(Native.alexnet_train_options_set_parallelism(to, Native.Utf8(Parallelism)));
            Native.Check(Native.alexnet_train_options_set_data_threads(to, DataThreads));
            Native.Check(Native.alexnet_train_options_set_label_smoothing(to, LabelSmoothing));
            Native.Check(Native.alexnet_train_options_set_class_weights(to, Native.Utf8(ClassWeights)));
            Native.Check(Native.alexnet_train_options_set_dropout(to, Dropout ? 1 : 0));
            if (InitialWeights != null)
                Native.Check(Native.alexnet_train_options_set_initial_weights(to, Native.Utf8(InitialWeights)));
            Native.Check(Native.alexnet_train_options_set_new_head(to, NewHead ? 1 : 0));
            Native.Check(Native.alexnet_train_options_set_freeze(to, Native.Utf8(Freeze)));
            Native.Check(Native.alexnet_train_options_set_validation_share(to, ValidationShare));
            if (Validation != null) Native.Check(Native.alexnet_train_options_set_validation(to, Validation.Handle));
            return to;
        }
    }
}
