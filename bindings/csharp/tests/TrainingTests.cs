using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using AlexNet;

internal static class TrainingTests
{
    private static readonly SessionOptions OneThread = new SessionOptions { Threads = 1 };

    // 12 x 12 pictures; the class is how bright they are.
    internal static Dataset Bright(int count = 48, params string[] classes)
    {
        if (classes.Length == 0) classes = new[] { "dark", "grau ä", "明るい" };
        Dataset data = Dataset.InMemory(classes);
        for (int i = 0; i < count; ++i)
        {
            byte[] pixels = Enumerable.Range(0, 144).Select(p => (byte)(i % 3 * 80 + (i * 31 + p * 17) % 60)).ToArray();
            using (Image image = Image.FromPixels(pixels, 12, 12, 0, PixelFormat.Gray)) data.Add(image, i % classes.Length);
        }
        return data;
    }

    internal static TrainOptions Options(long epochs = 4) =>
        new TrainOptions { Epochs = epochs, Batch = 16, LearningRate = 0.01, InputSize = 12, Threads = 1, Schedule = "constant" };

    private static Trainer New(Dataset data, long epochs = 4, Context context = null) =>
        new Trainer("alexnet-cifar10", data, Options(epochs), context);

    public static void LearnsAndTellsOfIt()
    {
        string file = Runner.New("learnt.safetensors");
        using (Dataset data = Bright())
        using (Trainer trainer = New(data, 12))
        {
            Check.Equal(48L, data.Count);
            Check.That(data.Classes.SequenceEqual(new[] { "dark", "grau ä", "明るい" }), "classes");
            var steps = new List<TrainingStep>();
            trainer.OnStep = steps.Add;
            TrainingStep first = trainer.Step();
            trainer.Run();
            Check.Equal(36, steps.Count);
            Check.Equal(first, steps[0]);
            TrainingStep last = steps.Last();
            Check.Equal(36L, last.Number);
            Check.Equal(36L, last.TotalSteps);
            Check.Equal(12.0, last.Epoch);
            Check.Near(0.01, last.LearningRate, 1e-6, "rate");
            Check.That(last.Loss < first.Loss && first.Loss > 0.5, "it did not learn");
            Check.That(last.Accuracy >= 0 && last.Accuracy <= 1 && last.Seconds > 0 && last.Waited <= last.Seconds, "numbers");
            Check.Equal(3L, trainer.Progress.StepsPerEpoch);
            Check.Equal(36L, trainer.Progress.StepsDone);
            trainer.Run();  // nothing is left
            Check.Fails(Status.InvalidState, () => trainer.Step(), "12 epochs");
            trainer.SaveWeights(file, Precision.Bf16);
            using (Evaluation of = trainer.Evaluate(data))
            using (Model copy = trainer.CopyModel())
            using (var saved = new Model(file))
            using (var session = new Session(copy, OneThread))
            using (Evaluation same = session.Evaluate(data))
            {
                Check.That(of.Top1 > 0.9, "top1 " + of.Top1);
                Check.Equal(48L, of.Images);
                Check.Equal(0L, of.Broken);
                Check.Near(of.Loss, same.Loss, 1e-4, "loss");
                Check.Equal(16L, Enumerable.Range(0, 3).Sum(answer => of.Confusion(1, answer)));
                long[,] confusion = same.ConfusionMatrix();
                same.Dispose();
                Check.Equal(9, confusion.Length);
                Check.Equal(48L, confusion.Cast<long>().Sum());
                Check.Equal(of.Confusion(2, 2), confusion[2, 2]);
                Check.Equal(of.Confusion(1, 0), confusion[1, 0]);
                Check.Near(of.Top1, same.Top1, 1e-9, "top1 after Dispose");
                Check.That(saved.Labels.SequenceEqual(data.Classes), "labels");
            }
            Check.That(trainer.Memory().Bytes(MemoryKind.Gradients) > 0, "gradients");
            Check.Equal(Trainer.PlanMemory("alexnet-cifar10", 3, Options()).Total, trainer.Memory().Total);
            using (Image image = Image.FromPixels(new byte[3], 1, 1))
                Check.Fails(Status.InvalidState, () => data.Add(image, 0));
        }
    }

    public static void CancelFromAnotherThreadLeavesACheckpoint()
    {
        string checkpoint = Runner.New("run.checkpoint.safetensors");
        using (Dataset data = Bright())
        using (Trainer whole = New(data), part = New(data))
        using (var stop = new CancellationTokenSource())
        using (var reached = new ManualResetEventSlim())
        {
            whole.Run();
            part.SetCheckpoint(checkpoint);
            part.OnStep = step =>
            {
                if (step.Number != 5) return;
                reached.Set();
                while (!stop.IsCancellationRequested) Thread.Yield();
            };
            var other = new Thread(() =>
            {
                reached.Wait();
                stop.Cancel();
            });
            other.Start();
            var thrown = Check.Throws<OperationCanceledException>(() => part.Run(stop.Token));
            other.Join();
            Check.Equal(stop.Token, thrown.CancellationToken);
            Check.Equal(5L, part.Progress.StepsDone);
            Check.Throws<OperationCanceledException>(() => part.Run(stop.Token));
            using (Trainer resumed = Trainer.Resume(checkpoint, data, new TrainOptions { Threads = 1 }))
            {
                Check.Equal(5L, resumed.Progress.StepsDone);
                resumed.Run();
                part.OnStep = null;
                part.Run();
                Check.That(Weights(whole).SequenceEqual(Weights(resumed)), "the resumed run differs");
                Check.That(Weights(whole).SequenceEqual(Weights(part)), "the run that went on differs");
            }
        }
    }

    public static void ValidatesAndKeepsTheBestEpoch()
    {
        string best = Runner.New("best.safetensors"), checkpoint = Runner.New("timed.checkpoint.safetensors");
        TrainOptions options = Options();
        using (Dataset data = Bright(), validation = Bright(24))
        {
            options.Validation = validation;
            using (var trainer = new Trainer("alexnet-cifar10", data, options))
            using (Trainer without = New(data))
            {
                trainer.KeepBest(best);
                trainer.SetCheckpoint(checkpoint);
                trainer.SetCheckpointMinutes(1000);
                var steps = new List<TrainingStep>();
                bool early = false;
                trainer.OnStep = step =>
                {
                    steps.Add(step);
                    early |= step.Number < 12 && File.Exists(checkpoint);
                };
                trainer.Run();
                Check.That(!early && File.Exists(checkpoint), "the checkpoint");
                Check.Equal(12, steps.Count);
                foreach (TrainingStep step in steps) Check.Equal(step.Number % 3 == 0, step.ValidationTop1.HasValue);
                using (Evaluation last = trainer.Evaluate(validation))
                {
                    Check.Equal(last.Top1, steps.Last().ValidationTop1.Value);
                    Check.Equal(last.Top5, steps.Last().ValidationTop5.Value);
                    Check.Near(last.Loss, steps.Last().ValidationLoss.Value, 1e-6, "loss");
                }
                using (var model = new Model(best))
                using (var session = new Session(model, OneThread))
                using (Evaluation kept = session.Evaluate(validation))
                    Check.Equal(steps.Max(step => step.ValidationTop1 ?? 0), kept.Top1);
                Check.Fails(Status.InvalidState, () => without.KeepBest(best), "validation");
                Check.Fails(Status.InvalidArgument, () => trainer.SetCheckpointMinutes(-1), "minutes");
            }
        }
    }

    private static float[] Weights(Trainer trainer)
    {
        string file = Runner.New("weights.safetensors");
        trainer.SaveWeights(file);
        using (var weights = new WeightFile(file)) return weights.Tensors.SelectMany(weights.Read).ToArray();
    }

    public static void CancelByHand()
    {
        using (Dataset data = Bright())
        using (Trainer trainer = New(data, 1000))
        {
            trainer.OnStep = step =>
            {
                if (step.Number == 3) Check.That(trainer.Cancel(), "nothing to cancel");
            };
            Check.Throws<OperationCanceledException>(() => trainer.Run());
            Check.Equal(3L, trainer.Progress.StepsDone);
            trainer.Run(steps: 2);
            Check.Equal(5L, trainer.Progress.StepsDone);
            Check.That(!trainer.Cancel(), "something to cancel");
            Check.Throws<OperationCanceledException>(() => trainer.Evaluate(data, 1, (done, total) => trainer.Cancel()));
            trainer.Evaluate(data).Dispose();
            using (var stop = new CancellationTokenSource())
            {
                Check.Throws<OperationCanceledException>(() => trainer.Evaluate(data, 10, (done, total) => stop.Cancel(), stop.Token));
                trainer.Evaluate(data, 10).Dispose();
            }
        }
    }

    public static void ExceptionInCallbackEndsTheRunAndComesOut()
    {
        using (Dataset data = Bright())
        using (Trainer trainer = New(data))
        {
            int calls = 0;
            trainer.OnStep = step =>
            {
                if (++calls == 2) throw new InvalidOperationException("of the callback");
            };
            var thrown = Check.Throws<InvalidOperationException>(() => trainer.Run());
            Check.Equal("of the callback", thrown.Message);
            Check.Contains("ExceptionInCallback", thrown.StackTrace);
            Check.Equal(2, calls);
            Check.Equal(2L, trainer.Progress.StepsDone);
            trainer.OnStep = step => throw new InvalidOperationException("of a single step");
            Check.Throws<InvalidOperationException>(() => trainer.Step());
            trainer.OnStep = null;
            trainer.Run();  // the exception of a single step cancels nothing
            Check.Equal(12L, trainer.Progress.StepsDone);
        }
    }

    public static void NothingElseWorksInsideACallback()
    {
        using (Dataset data = Bright())
        using (Trainer trainer = New(data))
        {
            trainer.OnStep = step => new Context();
            Check.Fails(Status.InvalidState, () => trainer.Run(), "callback");
            trainer.OnStep = step => trainer.OnStep = null;
            Check.Fails(Status.InvalidState, () => trainer.Run(), "callback");
            Check.That(trainer.OnStep != null, "the failed setting took place");
            trainer.OnStep = step => trainer.Run();
            Check.Fails(Status.InvalidState, () => trainer.Run(), "at work");
        }
    }

    public static void TheLastLayerAloneLearns()
    {
        string checkpoint = Runner.New("frozen.checkpoint.safetensors");
        TrainOptions options = Options(10);
        options.InputSize = null;
        options.LearningRate = 0.03;
        options.Freeze = "all-but-last";
        options.ClassWeights = "balanced";
        options.ValidationShare = 0.25;
        Check.That(File.Exists(Library.NetworkWeights("alexnet-cifar10")), "no bundled weights");
        Check.Fails(Status.NotFound, () => Library.NetworkWeights("alexnet"), "alexnet");
        Check.Throws<ArgumentNullException>(() => options.Freeze = null);
        Check.Throws<ArgumentNullException>(() => options.ClassWeights = null);
        using (Dataset data = Bright())
        {
            Check.Fails(Status.InvalidArgument, () => new Trainer("alexnet-cifar10", data, options), "no weights");
            options.InitialWeights = "alexnet-cifar10";
            using (var trainer = new Trainer("alexnet-cifar10", data, options))
            {
                var steps = new List<TrainingStep>();
                trainer.OnStep = steps.Add;
                trainer.Run();
                Check.Equal(2L, trainer.Progress.StepsPerEpoch);  // of 36 pictures
                Check.That(steps.Last().Loss < steps[0].Loss / 2, "it did not learn");
                Check.Equal(10, steps.Count(step => step.ValidationTop1.HasValue));
                trainer.SaveCheckpoint(checkpoint);
            }
            using (Trainer resumed = Trainer.Resume(checkpoint, data, new TrainOptions { Epochs = 11, Threads = 1 }))
            {
                resumed.Run();
                Check.Equal(22L, resumed.Progress.StepsDone);
            }
        }
    }

    public static void EvaluationTellsOfProgress()
    {
        using (Dataset data = Bright())
        using (Trainer trainer = New(data))
        using (Model model = trainer.CopyModel())
        using (Session one = new Session(model, OneThread), two = new Session(model, OneThread))
        using (var stop = new CancellationTokenSource())
        {
            long seen = 0;
            using (Evaluation of = Session.Evaluate(new[] { one, two }, data, 1, (done, total) => seen = done * 100 + total))
            {
                Check.Equal(4848L, seen);
                Check.Equal(string.Join(",", data.Classes), string.Join(",", of.Labels));
            }
            var thrown = Check.Throws<InvalidOperationException>(
                () => one.Evaluate(data, 1, (done, total) => throw new InvalidOperationException("of the progress")));
            Check.Equal("of the progress", thrown.Message);
            var cancelled = Check.Throws<OperationCanceledException>(
                () => one.Evaluate(data, 1, (done, total) => stop.Cancel(), stop.Token));
            Check.Equal(stop.Token, cancelled.CancellationToken);
            using (Dataset other = Bright(6, "dark", "unheard of"))
                Check.Fails(Status.InvalidArgument, () => one.Evaluate(other), "unheard of");
            Check.Throws<ArgumentNullException>(() => Session.Evaluate(new Session[] { null }, data));
            one.Evaluate(data).Dispose();
        }
    }

    public static void LogLinesCome()
    {
        string checkpoint = Runner.New("log.checkpoint.safetensors");
        using (Dataset data = Bright())
        using (Trainer trainer = New(data))
        using (var context = new Context())
        {
            trainer.SaveCheckpoint(checkpoint);
            var lines = new List<string>();
            Action resume = () => Trainer.Resume(checkpoint, data, new TrainOptions { Threads = 2 }, context).Dispose();  // warns
            context.SetLog((level, line) =>
            {
                lines.Add(level + " " + line);
                throw new InvalidOperationException("is dropped");
            });
            resume();
            Check.That(lines.Any(line => line.StartsWith("Warning ", StringComparison.Ordinal) && line.Contains("thread")), "no warning");
            int count = lines.Count;
            context.SetLog(null);
            resume();
            Check.Equal(count, lines.Count, "lines after removal");
        }
    }

    public static void ClassesByName()
    {
        using (Dataset data = Dataset.InMemory(new List<string> { "dark", "明るい" }))
        using (Image image = Image.FromPixels(new byte[3 * 12 * 12], 12, 12))
        {
            for (int i = 0; i < 16; ++i) data.Add(image, "明るい");
            Check.Equal(16L, data.Count);
            Check.Contains("grey", Check.Throws<ArgumentException>(() => data.Add(image, "grey")).Message);
            Check.Throws<ArgumentNullException>(() => data.Add(image, null));
            Check.Throws<ArgumentNullException>(() => data.Add(null, "dark"));
            Check.Throws<ArgumentNullException>(() => Dataset.InMemory((IEnumerable<string>)null));
            using (Trainer trainer = New(data))
            {
                Check.Fails(Status.InvalidState, () => data.Add(image, "dark"));
                using (Evaluation of = trainer.Evaluate(data))
                    Check.Equal(16L, of.Confusion(1, 0) + of.Confusion(1, 1));
            }
            data.Add(image, "dark");  // no trainer uses it any more
            Check.Equal(17L, data.Count);
        }
    }

    public static void CancelThatComesTooLateChangesNothing()
    {
        using (Dataset data = Bright())
        using (Trainer trainer = New(data))
        {
            bool inStep = true, inLast = false;
            trainer.OnStep = step => inStep = trainer.Cancel();
            trainer.Step();
            Check.That(!inStep, "something to cancel in a single step");
            trainer.OnStep = step =>
            {
                Check.Equal(step.Number, trainer.Progress.StepsDone, "progress inside the callback");
                if (step.Number == step.TotalSteps) inLast = trainer.Cancel();
            };
            trainer.Run();
            Check.That(inLast, "nothing to cancel in the last step");
            Check.Equal(12L, trainer.Progress.StepsDone);
        }
    }

    public static void FoldersAreDataSets()
    {
        string folder = Runner.New("folders");
        foreach (string name in new[] { "kätzchen", "猫" })
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            File.Copy(Runner.Cat, Path.Combine(folder, name, "1.jpg"));
        }
        using (var data = new Dataset(folder))
        {
            Check.That(data.Classes.SequenceEqual(new[] { "kätzchen", "猫" }), "classes");
            Check.Equal(2L, data.Count);
        }
        Check.Fails(Status.NotFound, () => new Dataset("/nowhere"), "/nowhere");
        Check.Fails(Status.InvalidArgument, () => Dataset.InMemory("a", "a"), "a");
        Check.Fails(Status.InvalidArgument, () => Dataset.InMemory());
        Check.Contains("classes[1]", Check.Throws<ArgumentNullException>(() => Dataset.InMemory("a", null)).Message);
        Check.Throws<ArgumentNullException>(() => new Trainer("alexnet", null));
        using (Dataset data = Bright()) Check.Throws<ArgumentNullException>(() => new Trainer(null, data));
        using (Dataset data = Bright()) Check.Throws<ArgumentNullException>(() => Trainer.Resume(null, data));
        Check.Throws<ArgumentNullException>(() => Trainer.PlanMemory(null, 2));
        using (Dataset data = Bright()) Check.Fails(Status.NotFound, () => new Trainer("alexnot", data), "alexnot");
    }
}
