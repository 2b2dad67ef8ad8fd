using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>A class that a picture may show.</summary>
    public struct Answer
    {
        internal Answer(long index, string label, float probability)
        {
            Index = index;
            Label = label;
            Probability = probability;
        }

        /// <summary>Of the class.</summary>
        public long Index { get; }

        /// <summary>Its name.</summary>
        public string Label { get; }

        /// <summary>0 to 1.</summary>
        public float Probability { get; }

        /// <summary>"cat 0.8214".</summary>
        public override string ToString() => Label + " " + Probability.ToString("F4", CultureInfo.InvariantCulture);
    }

    /// <summary>Probabilities of one or more images. It never changes.</summary>
    public sealed class Result : IDisposable
    {
        private readonly ResultHandle owned;

        private ResultHandle Handle => owned.Of(nameof(Result));

        internal Result(ResultHandle handle)
        {
            owned = handle;
        }

        /// <summary>How many images it holds.</summary>
        public long Count
        {
            get
            {
                Native.Check(Native.alexnet_result_count(Handle, out long images));
                return images;
            }
        }

        /// <summary>The best classes of an image, the best first; fewer where there are fewer classes.</summary>
        public IReadOnlyList<Answer> Top(int count, long image = 0)
        {
            if (count < 0) throw new ArgumentOutOfRangeException(nameof(count), count, "It must be 0 or more.");
            using (Handle.Hold())
            {
                Native.Check(Native.alexnet_result_probabilities(Handle, image, out IntPtr values, out long classes));
                var answers = new Answer[Math.Min(count, classes)];
                for (int rank = 0; rank < answers.Length; ++rank)
                {
                    Native.Check(Native.alexnet_result_top(Handle, image, rank, out long index, out IntPtr label, out float probability));
                    answers[rank] = new Answer(index, Native.Text(label), probability);
                }
                return answers;
            }
        }

        /// <summary>Of all classes, by class index; they sum to 1.</summary>
        public float[] Probabilities(long image = 0)
        {
            using (Handle.Hold())
            {
                Native.Check(Native.alexnet_result_probabilities(Handle, image, out IntPtr values, out long classes));
                var copy = new float[classes];
                Marshal.Copy(values, copy, 0, copy.Length);
                return copy;
            }
        }

        /// <summary>Activations of a layer of <see cref="SessionOptions.Outputs"/>: channels x height x width floats, of ten
        /// crops the mean.</summary>
        public float[] Features(string layer, long image = 0)
        {
            using (Handle.Hold())
            {
                Native.Check(Native.alexnet_result_features(Handle, image, Native.Utf8(layer, nameof(layer)), out IntPtr values,
                    out long count));
                var copy = new float[count];
                Marshal.Copy(values, copy, 0, copy.Length);
                return copy;
            }
        }

        /// <summary>Frees it.</summary>
        public void Dispose() => owned.Dispose();
    }

    /// <summary>Accuracy over labelled pictures. It never changes.</summary>
    public sealed class Evaluation : IDisposable
    {
        private readonly EvaluationHandle owned;

        private EvaluationHandle Handle => owned.Of(nameof(Evaluation));

        internal Evaluation(EvaluationHandle handle)
        {
            owned = handle;
            Native.Check(Native.alexnet_evaluation_counts(Handle, out long images, out long broken));
            Native.Check(Native.alexnet_evaluation_rates(Handle, out double top1, out double top5, out double loss));
            Images = images;
            Broken = broken;
            Top1 = top1;
            Top5 = top5;
            Loss = loss;
        }

        /// <summary>Images that count.</summary>
        public long Images { get; }

        /// <summary>Pictures that could not be read, which do not count.</summary>
        public long Broken { get; }

        /// <summary>Fraction of images whose true class came first.</summary>
        public double Top1 { get; }

        /// <summary>Fraction of images whose true class was among the best five.</summary>
        public double Top5 { get; }

        /// <summary>Mean of -log(probability of the true class).</summary>
        public double Loss { get; }

        /// <summary>The model's classes, which <see cref="Confusion"/> tells apart.</summary>
        public IReadOnlyList<string> Labels
        {
            get
            {
                Native.Check(Native.alexnet_evaluation_class_count(Handle, out long count));
                using (Handle.Hold())
                    return Native.Texts(count, (long i, out IntPtr label) => Native.alexnet_evaluation_label(Handle, i, out label));
            }
        }

        /// <summary>Images of class `truth` that were taken for class `answer`; both by index among the model's labels.</summary>
        public long Confusion(long truth, long answer)
        {
            Native.Check(Native.alexnet_evaluation_confusion(Handle, truth, answer, out long images));
            return images;
        }

        /// <summary>All of <see cref="Confusion"/>: [truth, answer]. It is a copy, which stays after <see cref="Dispose"/>.</summary>
        public long[,] ConfusionMatrix()
        {
            using (Handle.Hold())
            {
                Native.Check(Native.alexnet_evaluation_class_count(Handle, out long count));
                var images = new long[count, count];
                for (long truth = 0; truth < count; ++truth)
                    for (long answer = 0; answer < count; ++answer) images[truth, answer] = Confusion(truth, answer);
                return images;
            }
        }

        /// <summary>Frees it. Images, Broken, Top1, Top5 and Loss stay readable; Labels, Confusion and ConfusionMatrix are read
        /// before.</summary>
        public void Dispose() => owned.Dispose();
    }

    /// <summary>Bytes that a session or trainer takes on its devices.</summary>
    public sealed class MemoryReport
    {
        private readonly long[,] bytes;  // [device + 1, kind]

        internal MemoryReport(MemoryHandle handle)
        {
            using (handle)
            {
                Native.Check(Native.alexnet_memory_device_count(handle, out long devices));
                var kinds = (MemoryKind[])Enum.GetValues(typeof(MemoryKind));
                bytes = new long[devices + 1, kinds.Length];
                for (long device = -1; device < devices; ++device)
                    foreach (MemoryKind kind in kinds)
                        Native.Check(Native.alexnet_memory_bytes(handle, device, kind, out bytes[device + 1, (int)kind]));
            }
        }

        /// <summary>Devices it runs on, in the order they were named; one named twice counts once.</summary>
        public long DeviceCount => bytes.GetLength(0) - 1;

        /// <summary>Everything, on all devices.</summary>
        public long Total => Bytes(MemoryKind.Total);

        /// <summary>Of a kind, on one device, or on all of them (-1).</summary>
        public long Bytes(MemoryKind kind, long device = -1)
        {
            if (kind < 0 || (int)kind >= bytes.GetLength(1))
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "It is no MemoryKind.");
            if (device < -1 || device >= DeviceCount)
                throw new ArgumentOutOfRangeException(nameof(device), device, "It must be 0.." + (DeviceCount - 1) + ", or -1 for all.");
            return bytes[device + 1, (int)kind];
        }

        /// <summary>"2098472 bytes: Weights 1824040, Activations 274432".</summary>
        public override string ToString()
        {
            // The workspace is a part of the activations.
            var parts = new[] { MemoryKind.Weights, MemoryKind.Gradients, MemoryKind.Optimizer, MemoryKind.Activations }
                .Where(kind => Bytes(kind) != 0).Select(kind => FormattableString.Invariant($"{kind} {Bytes(kind)}"));
            return FormattableString.Invariant($"{Total} bytes: {string.Join(", ", parts)}");
        }
    }
}
