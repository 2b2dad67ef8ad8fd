using System;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace AlexNet
{
    /// <summary>A training step that has been made.</summary>
    public sealed class TrainingStep
    {
        internal TrainingStep(NativeStep step)
        {
            Number = step.Step;
            TotalSteps = step.TotalSteps;
            Epoch = step.Epoch;
            Loss = step.Loss;
            Accuracy = step.Accuracy;
            LearningRate = step.Rate;
            Seconds = step.Seconds;
            Waited = step.Waited;
            if (step.Validated == 0) return;
            ValidationLoss = step.ValidationLoss;
            ValidationTop1 = step.ValidationTop1;
            ValidationTop5 = step.ValidationTop5;
        }

        /// <summary>Steps made, this one included.</summary>
        public long Number { get; }

        /// <summary>Of all epochs.</summary>
        public long TotalSteps { get; }

        /// <summary>Epochs made, fractional.</summary>
        public double Epoch { get; }

        /// <summary>Mean over the batch, before its update.</summary>
        public double Loss { get; }

        /// <summary>Fraction of right answers over the batch, before its update.</summary>
        public double Accuracy { get; }

        /// <summary>The learning rate it used.</summary>
        public double LearningRate { get; }

        /// <summary>It took.</summary>
        public double Seconds { get; }

        /// <summary>Of these, seconds it waited for pictures.</summary>
        public double Waited { get; }

        /// <summary>Mean of -log(probability of the true class) over <see cref="TrainOptions.Validation"/>, where this step ended an
        /// epoch of <see cref="Trainer.Run"/>; else null, as the next two.</summary>
        public double? ValidationLoss { get; }

        /// <summary>Fraction of right answers.</summary>
        public double? ValidationTop1 { get; }

        /// <summary>Fraction of pictures whose class is among the first five answers.</summary>
        public double? ValidationTop5 { get; }
    }

    /// <summary>How far a training has come.</summary>
    public struct TrainProgress
    {
        internal TrainProgress(long done, long total, long perEpoch)
        {
            StepsDone = done;
            TotalSteps = total;
            StepsPerEpoch = perEpoch;
        }

        /// <summary>Steps made.</summary>
        public long StepsDone { get; }

        /// <summary>Of all epochs.</summary>
        public long TotalSteps { get; }

        /// <summary>Of one epoch.</summary>
        public long StepsPerEpoch { get; }
    }

    /// <summary>A network that learns. One thread at a time, <see cref="Cancel"/>, <see cref="Progress"/>, <see cref="OnStep"/>
    /// and <see cref="Dispose"/> apart.</summary>
    public sealed unsafe class Trainer : IDisposable
    {
        private static readonly StepCallback StepThunk = PassOn;
        private readonly TrainerHandle owned;
        private readonly Listener listener = new Listener();

        private TrainerHandle Handle => owned.Of(nameof(Trainer));

        private sealed class Listener
        {
            internal TrainerHandle Trainer;
            internal volatile Action<TrainingStep> OnStep;
            internal Work Work;  // in progress
        }

        private sealed class Work
        {
            internal bool IsRun;  // a single step cannot be cancelled
            internal CancellationToken Token;
            internal TrainingStep Last;
            internal ExceptionDispatchInfo Thrown;
        }

        /// <summary>A network, by its name, spec file or spec, that shall learn these data, with as many classes; `options` null: its own recipe.</summary>
        public Trainer(string network, Dataset data, TrainOptions options = null, Context context = null)
            : this(Create(network, data, options, context))
        {
        }

        private Trainer(TrainerHandle handle)
        {
            owned = handle;
            listener.Trainer = handle;
            Native.Check(Native.alexnet_trainer_set_step_callback(Handle, StepThunk, Handle.RootFor(listener)));
        }

        private static TrainerHandle Create(string network, Dataset data, TrainOptions options, Context context)
        {
            if (data == null) throw new ArgumentNullException(nameof(data));
            using (TrainOptionsHandle native = (options ?? new TrainOptions()).ToNative())
            {
                Native.Check(Native.alexnet_trainer_create(Context.HandleOf(context), Native.Utf8(network, nameof(network)), data.Handle,
                    native, out TrainerHandle handle));
                return handle;
            }
        }

        /// <summary>Goes on where a checkpoint stopped, bit for bit on the same machine with as many threads (on GPUs within
        /// rounding: another process may choose other algorithms). The data must be the same. Network, recipe, precision and
        /// position come from the file; of `options` only epochs (a new total), device, parallelism, threads, data threads and
        /// validation count.</summary>
        public static Trainer Resume(string checkpoint, Dataset data, TrainOptions options = null, Context context = null)
        {
            if (data == null) throw new ArgumentNullException(nameof(data));
            using (TrainOptionsHandle native = (options ?? new TrainOptions()).ToNative())
            {
                Native.Check(Native.alexnet_trainer_resume(Context.HandleOf(context), Native.Utf8(checkpoint, nameof(checkpoint)),
                    data.Handle, native, out TrainerHandle handle));
                return new Trainer(handle);
            }
        }

        /// <summary>What a trainer would take, for data of so many classes.</summary>
        public static MemoryReport PlanMemory(string network, long classes, TrainOptions options = null, Context context = null)
        {
            using (TrainOptionsHandle native = (options ?? new TrainOptions()).ToNative())
            {
                Native.Check(Native.alexnet_trainer_plan_memory(Context.HandleOf(context), Native.Utf8(network, nameof(network)), classes,
                    native, out MemoryHandle memory));
                return new MemoryReport(memory);
            }
        }

        /// <summary>What this trainer takes.</summary>
        public MemoryReport Memory()
        {
            Native.Check(Native.alexnet_trainer_memory(Handle, out MemoryHandle memory));
            return new MemoryReport(memory);
        }

        /// <summary>Called after each step, on the thread that trains; null: nothing. What it throws ends the run and comes out
        /// of it. Inside it, only <see cref="Cancel"/>, <see cref="Progress"/> and Dispose of any object may be used;
        /// the rest of the library throws <see cref="Status.InvalidState"/>. When a new value is set, the old one is in no call any
        /// more: hold no lock that it takes.</summary>
        public Action<TrainingStep> OnStep
        {
            get => listener.OnStep;
            set
            {
                Action<TrainingStep> old = listener.OnStep;
                listener.OnStep = value;
                // Setting what is set already waits for a call in flight.
                Status status = Native.alexnet_trainer_set_step_callback(Handle, StepThunk, GCHandle.ToIntPtr(Handle.Root));
                if (status == Status.Ok) return;
                listener.OnStep = old;
                throw Native.Error(status);
            }
        }

        /// <summary><see cref="Run"/> keeps a checkpoint in this file: after each `every` steps (0: after each epoch), when it is
        /// cancelled, and at its end. null: none.</summary>
        public void SetCheckpoint(string path, long every = 0) =>
            Native.Check(Native.alexnet_trainer_set_checkpoint(Handle, Native.Utf8(path), every));

        /// <summary>Minutes between these checkpoints, 0.001..1000000, in place of steps; 0, as at first: by steps.</summary>
        public void SetCheckpointMinutes(double minutes) =>
            Native.Check(Native.alexnet_trainer_set_checkpoint_minutes(Handle, minutes));

        /// <summary><see cref="Run"/> keeps the weights of the epoch with the highest top 1 over
        /// <see cref="TrainOptions.Validation"/> in this file, over <see cref="Resume"/> too. null: none.</summary>
        public void KeepBest(string path) => Native.Check(Native.alexnet_trainer_set_best(Handle, Native.Utf8(path)));

        /// <summary>One step. <see cref="Cancel"/> does not end it.</summary>
        public TrainingStep Step()
        {
            var work = new Work();
            Do(work, () => Native.alexnet_trainer_step(Handle, out double loss, out double accuracy));
            return work.Last;
        }

        /// <summary>Steps until all epochs are run, or until `steps` more are (0: no limit). A token that is cancelled already
        /// ends it before anything is done; else it is looked at after each step, and after a validation that follows it: then, as
        /// after <see cref="Cancel"/>, which ends a validation too, an <see cref="OperationCanceledException"/> comes, with the
        /// checkpoint written. Another run goes on.</summary>
        public void Run(CancellationToken token = default(CancellationToken), long steps = 0)
        {
            token.ThrowIfCancellationRequested();
            Do(new Work { IsRun = true, Token = token }, () => Native.alexnet_trainer_run(Handle, steps));
        }

        /// <summary>Ends the run or evaluation in progress after the step or batch at hand; false where there is none, as during
        /// <see cref="Step"/>, and then nothing is kept for later. In the last step of a run it changes nothing: the run ends as
        /// ever. From any thread, and inside callbacks.</summary>
        public bool Cancel()
        {
            Status status = Native.alexnet_trainer_cancel(Handle);
            if (status == Status.InvalidState) return false;
            Native.Check(status);
            return true;
        }

        /// <summary>How far it has come. From any thread, and inside callbacks.</summary>
        public TrainProgress Progress
        {
            get
            {
                Native.Check(Native.alexnet_trainer_progress(Handle, out long done, out long total, out long perEpoch));
                return new TrainProgress(done, total, perEpoch);
            }
        }

        /// <summary>Writes all that <see cref="Resume"/> needs, whole or not at all.</summary>
        public void SaveCheckpoint(string path) =>
            Native.Check(Native.alexnet_trainer_save_checkpoint(Handle, Native.Utf8(path, nameof(path))));

        /// <summary>Writes a weight file for <see cref="Model"/>, whole or not at all, stored as Fp32, Fp16 or Bf16.</summary>
        public void SaveWeights(string path, Precision precision = Precision.Fp32) =>
            Native.Check(Native.alexnet_trainer_save_weights(Handle, Native.Utf8(path, nameof(path)), precision));

        /// <summary>Accuracy of the weights as they are now; as <see cref="Session.Evaluate(Dataset, int, Action{long, long},
        /// CancellationToken)"/>. <see cref="Cancel"/> ends it too.</summary>
        public Evaluation Evaluate(Dataset data, int crops = 1, Action<long, long> progress = null,
            CancellationToken token = default(CancellationToken))
        {
            if (data == null) throw new ArgumentNullException(nameof(data));
            return ProgressWatch.Evaluate(progress, token, (ProgressCallback callback, IntPtr user, out EvaluationHandle made) =>
                Native.alexnet_trainer_evaluate(Handle, data.Handle, crops, callback, user, out made));
        }

        /// <summary>A copy of the network as it is now, which later steps do not change.</summary>
        public Model CopyModel()
        {
            Native.Check(Native.alexnet_trainer_model(Handle, out ModelHandle model));
            return new Model(model);
        }

        /// <summary>Frees it. A run in progress is cancelled, and the trainer freed when it has ended.</summary>
        public void Dispose()
        {
            try
            {
                if (Volatile.Read(ref listener.Work) != null) Native.alexnet_trainer_cancel(owned);
            }
            catch (ObjectDisposedException)
            {
                // It has been disposed of already, and so cancelled.
            }
            owned.Dispose();
        }

        private void Do(Work work, Func<Status> call)
        {
            if (Interlocked.CompareExchange(ref listener.Work, work, null) != null)
                throw new AlexNetException(Status.InvalidState, "the trainer is at work; it serves one thread at a time");
            Status status;
            try
            {
                status = call();
                work.Thrown?.Throw();
                if (status == Status.Cancelled) work.Token.ThrowIfCancellationRequested();
                Native.Check(status);
            }
            finally
            {
                Volatile.Write(ref listener.Work, null);
            }
        }

        private static void PassOn(IntPtr userData, IntPtr step)
        {
            using (Callback.Enter())
            {
                // Alive, for a run is a call of its trainer.
                var listener = (Listener)GCHandle.FromIntPtr(userData).Target;
                Work work = listener.Work;
                try
                {
                    work.Last = new TrainingStep(Read(step));
                    listener.OnStep?.Invoke(work.Last);
                    if (work.Token.IsCancellationRequested && !listener.Trainer.IsClosed) Native.alexnet_trainer_cancel(listener.Trainer);
                }
                catch (Exception thrown)
                {
                    work.Thrown = ExceptionDispatchInfo.Capture(thrown);
                    if (work.IsRun && !listener.Trainer.IsClosed) Native.alexnet_trainer_cancel(listener.Trainer);
                }
            }
        }

        // An older library fills less of it.
        private static NativeStep Read(IntPtr step)
        {
            var copy = new NativeStep();
            long size = Math.Min(*(long*)step, sizeof(NativeStep));
            Buffer.MemoryCopy((void*)step, &copy, sizeof(NativeStep), size);
            return copy;
        }
    }
}
