using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using AlexNet;

internal static class LifetimeTests
{
    private static readonly SessionOptions OneThread = new SessionOptions { Threads = 1 };

    private static void Gone(string name, Action act) =>
        Check.Equal(name, Check.Throws<ObjectDisposedException>(act).ObjectName);

    public static void DisposeTwiceAndUseAfterwards()
    {
        Dataset data = TrainingTests.Bright();
        var trainer = new Trainer("alexnet-cifar10", data, TrainingTests.Options());
        Evaluation evaluation = trainer.Evaluate(data);
        var model = new Model();
        var session = new Session(model, OneThread);
        Image image = Image.FromFile(Runner.Cat);
        Result result = session.Classify(image);
        var file = new WeightFile(Runner.Bundled);
        TensorInfo tensor = file.Tensors[0];
        var context = new Context();
        var all = new IDisposable[] { data, trainer, evaluation, model, session, image, result, file, context };
        foreach (IDisposable one in all)
        {
            one.Dispose();
            one.Dispose();
        }
        Gone("Dataset", () => data.Count.ToString());
        Gone("Trainer", () => trainer.Run());
        Gone("Trainer", () => trainer.Step());
        Gone("Trainer", () => trainer.Cancel());
        Gone("Trainer", () => trainer.OnStep = null);
        Gone("Evaluation", () => evaluation.Confusion(0, 0));
        Gone("Model", () => model.Labels.ToString());
        Gone("Model", () => new Session(model));
        Gone("Session", () => session.Classify(Runner.Cat));
        Gone("Image", () => image.GetPixels());
        Gone("Result", () => result.Top(1));
        Gone("WeightFile", () => file.Read(tensor));
        Gone("Context", () => context.SetLog(null));
        Gone("Context", () => new Model(null, null, context));
        using (var open = new Session(new Model(), OneThread))
        using (Image one = Image.FromFile(Runner.Cat))
        {
            Check.Throws<ObjectDisposedException>(() => open.Classify(new[] { one, image }));
            one.Dispose();  // not held any more
            Check.Throws<ObjectDisposedException>(() => one.GetPixels());
        }
        Context.Default.Dispose();
        Context.Default.SetThreads(0);
    }

    public static void ChildrenOutliveTheirParents()
    {
        Session session = null;
        Trainer trainer = null;
        Result result = null;
        var parents = new List<WeakReference>();
        Runner.Elsewhere(() =>
        {
            var context = new Context();
            var model = new Model(Runner.Bundled, null, context);
            Dataset data = TrainingTests.Bright();
            trainer = new Trainer("alexnet-cifar10", data, TrainingTests.Options(), context);
            session = new Session(model, OneThread);
            var short_lived = new Session(model, OneThread);
            result = short_lived.Classify(Runner.Cat);
            parents.AddRange(new object[] { context, model, data, short_lived }.Select(parent => new WeakReference(parent)));
        });
        Check.That(Runner.Collect(() => parents.All(parent => !parent.IsAlive)), "parents are not collected");
        using (Result again = session.Classify(Runner.Cat))
            Check.Equal(again.Top(1)[0].Label, result.Top(1)[0].Label);
        trainer.Run();
        Check.Equal(12L, trainer.Progress.StepsDone);
        session.Dispose();
        trainer.Dispose();
    }

    public static void TheProgramsThreadsComputeAfterCollections()
    {
        float[] own, its;
        int calls = 0;
        var two = new SessionOptions { Threads = 2 };
        using (var context = new Context())
        {
            Runner.Elsewhere(() => context.SetParallelFor((parts, run) =>
            {
                Interlocked.Increment(ref calls);
                Parallel.For(0, parts, run);
            }, 2));
            Check.Fails(Status.InvalidArgument, () => context.SetParallelFor((parts, run) => { }, 4097), "most_at_once");
            GC.Collect();
            GC.WaitForPendingFinalizers();
            using (var model = new Model(Runner.Bundled, null, context))
            using (var session = new Session(model))
            using (Result result = session.Classify(Runner.Cat)) its = result.Probabilities();
            context.SetParallelFor(null);
            int before = calls;
            using (var model = new Model(Runner.Bundled, null, context))
            using (var session = new Session(model, two))
            using (Result result = session.Classify(Runner.Cat)) own = result.Probabilities();
            Check.Equal(before, calls);
        }
        Check.That(calls > 0, "nobody asked for threads");
        Check.That(own.SequenceEqual(its), "another answer");
    }

    public static void WhatTheProgramsThreadsThrowStopsAtTheLibrary()
    {
        using (var context = new Context())
        using (var model = new Model(Runner.Bundled, null, context))
        {
            context.SetParallelFor((parts, run) => throw new InvalidOperationException("mine"), 2);
            Check.Fails(Status.InvalidState, () => new Session(model).Classify(Runner.Cat), "parallel_for", "0 of 2");
        }
    }

    public static void ParentsOutliveTheirChildren()
    {
        using (var context = new Context())
        using (var model = new Model(Runner.Bundled, null, context))
        {
            Runner.Elsewhere(() =>
            {
                for (int i = 0; i < 20; ++i) new Session(model, OneThread).Classify(Runner.Cat);
            });
            Check.That(Runner.Collect(() => context.MemoryInUse == 0), "bytes left: " + context.MemoryInUse);
            using (var session = new Session(model, OneThread))
            using (session.Classify(Runner.Cat))
                Check.That(context.MemoryInUse > 0, "a session takes memory");
            Check.Equal(0L, context.MemoryInUse);
        }
    }

    public static void ATrainerThatItsCallbackKnowsIsCollected()
    {
        using (var context = new Context())
        {
            Runner.Elsewhere(() =>
            {
                var trainer = new Trainer("alexnet-cifar10", TrainingTests.Bright(), TrainingTests.Options(), context);
                trainer.OnStep = step => GC.KeepAlive(trainer.ToString());
                trainer.Step();
            });
            Check.That(Runner.Collect(() => context.MemoryInUse == 0), "bytes left: " + context.MemoryInUse);
        }
    }

    public static void CallbacksSurviveCollections()
    {
        using (Dataset data = TrainingTests.Bright())
        using (var trainer = new Trainer("alexnet-cifar10", data, TrainingTests.Options()))
        {
            int steps = 0;
            trainer.OnStep = step =>
            {
                ++steps;
                GC.Collect();
                GC.WaitForPendingFinalizers();
            };
            trainer.Run();
            Check.Equal(12, steps);
        }
    }

    public static void DisposeInsideACallback()
    {
        using (var context = new Context())
        using (var model = new Model(Runner.Bundled, null, context))
        using (Dataset data = TrainingTests.Bright())
        {
            var session = new Session(model, OneThread);
            var trainer = new Trainer("alexnet-cifar10", data, TrainingTests.Options(1000), context);
            trainer.OnStep = step =>
            {
                session.Dispose();
                trainer.Dispose();
            };
            Check.Throws<OperationCanceledException>(() => trainer.Run());
            Check.Throws<ObjectDisposedException>(() => trainer.Run());
            Check.That(SpinWait.SpinUntil(() => context.MemoryInUse == 0, 10000), "bytes left: " + context.MemoryInUse);
        }
    }

    // Memory of the process, in bytes.
    private static long Resident() => long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * 4096;

    [StructLayout(LayoutKind.Sequential)]
    private struct MallocInfo
    {
        internal UIntPtr Arena, FreeChunks, FastChunks, Maps, Mapped, Highest, FreeInFast, Used, Free, Trimmable;
    }

    [DllImport("libc.so.6", EntryPoint = "mallinfo2")]
    private static extern MallocInfo GetMallocInfo();

    // What malloc has given and not got back, in bytes. Small losses show here; resident memory has holes that take them.
    private static long Allocated()
    {
        MallocInfo info = GetMallocInfo();
        return (long)info.Used + (long)info.Mapped;
    }

    // Models from a file and from memory, sessions, answers, pictures, options.
    private static void Round(Context context, byte[] weights, float[] values)
    {
        using (var model = Model.FromBytes(weights, null, context))
        using (var session = new Session(model, OneThread))
        using (Result result = session.Run(values))
        using (Image image = Image.FromPixels(new byte[3 * 64 * 64], 64, 64))
        using (Result of = session.Classify(image))
        using (new Model(Runner.Bundled, null, context))
        using (new WeightFile(Runner.Bundled))
            Check.Equal(result.Top(1)[0].Label.Length > 0, of.Probabilities().Length == 10);
        Check.Throws<AlexNetException>(() => new Model("/nowhere"));
    }

    // Repeats `round` until the process has its size, and then `count` times more.
    private static void TakesNoMemory(int count, Action round)
    {
        Action<int> rounds = times =>
        {
            for (int i = 0; i < times; ++i)
            {
                round();
                if (i % (count / 10) == 0) GC.Collect();  // what waits to be collected is no growth
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
        };
        rounds(count * 3 / 10);
        long resident = Resident(), allocated = Allocated();
        rounds(count);
        double mebibyte = 1 << 20, grown = (Resident() - resident) / mebibyte, lost = Allocated() - allocated;
        Console.WriteLine("       resident {0:F1} MiB, grown by {1:F2} MiB and {2} bytes of malloc's in {3} rounds",
            resident / mebibyte, grown, lost, count);
        Check.That(grown < 16, "grown by MiB: " + grown);
        Check.That(lost < 20 * count, "not given back, in bytes: " + lost);
    }

    public static void AThousandRoundsTakeNoMemory()
    {
        byte[] weights = File.ReadAllBytes(Runner.Bundled);
        var values = new float[3 * 32 * 32];
        using (var context = new Context())
        {
            TakesNoMemory(1000, () => Round(context, weights, values));
            Check.Equal(0L, context.MemoryInUse);
        }
    }

    public static void AHundredTrainersTakeNoMemory()
    {
        using (var context = new Context())
        using (Dataset data = TrainingTests.Bright())
        {
            TakesNoMemory(100, () =>
            {
                using (var trainer = new Trainer("alexnet-cifar10", data, TrainingTests.Options(), context))
                {
                    trainer.OnStep = step => { };
                    trainer.Step();
                }
            });
            Check.Equal(0L, context.MemoryInUse);
        }
    }

    // Of the small ones a few lost do not show.
    public static void SmallHandlesTakeNoMemory()
    {
        using (Dataset data = TrainingTests.Bright(6, "class 0", "class 1", "class 2"))
        using (Model model = Model.Drawn("alexnet-cifar10", 3, 12))
        using (var session = new Session(model, OneThread))
        {
            TakesNoMemory(20000, () =>
            {
                using (var context = new Context()) context.SetLog((level, line) => { });
                using (Dataset.InMemory("a", "b")) new Image().Dispose();
            });
            var values = new float[3 * 12 * 12];
            TakesNoMemory(4000, () =>
            {
                for (int i = 0; i < 4; ++i) session.Memory();
                session.Run(values).Dispose();
            });
            TakesNoMemory(500, () => session.Evaluate(data).Dispose());
        }
    }

    private sealed class Counting : IAllocator
    {
        internal long Given, Returned;
        internal bool Fails;

        public IntPtr Allocate(long size, long alignment)
        {
            if (Fails) throw new InvalidOperationException("counts as no memory");
            IntPtr raw = Marshal.AllocHGlobal((IntPtr)(size + alignment + IntPtr.Size));
            long start = ((long)raw + IntPtr.Size + alignment - 1) / alignment * alignment;
            Marshal.WriteIntPtr((IntPtr)(start - IntPtr.Size), raw);
            Interlocked.Add(ref Given, size);
            return (IntPtr)start;
        }

        public void Deallocate(IntPtr memory, long size, long alignment)
        {
            Interlocked.Add(ref Returned, size);
            Marshal.FreeHGlobal(Marshal.ReadIntPtr(memory, -IntPtr.Size));
        }
    }

    public static void MemoryOfTheProgramsOwn()
    {
        var allocator = new Counting();
        using (var context = new Context())
        using (var model = new Model(Runner.Bundled, null, context))
        {
            context.SetAllocator(allocator);
            using (var session = new Session(model, OneThread))
            using (session.Classify(Runner.Cat))
                Check.That(allocator.Given >= 4 * model.ParameterCount, "it was not asked");
            Check.Equal(allocator.Given, allocator.Returned);
            allocator.Fails = true;
            Check.Fails(Status.OutOfMemory, () => new Session(model, OneThread));
            context.SetAllocator(null);
            context.SetMemoryLimit(1000);
            Check.Fails(Status.OutOfMemory, () => new Session(model, OneThread));
            context.SetMemoryLimit(0);
            new Session(model, OneThread).Dispose();
        }
    }

    public static void SessionsFromSeveralThreads()
    {
        using (var model = new Model())
        {
            var failures = new List<string>();
            float[] expected;
            using (var session = new Session(model, OneThread))
            using (Result result = session.Classify(Runner.Cat)) expected = result.Probabilities();
            var threads = Enumerable.Range(0, 4).Select(number => new Thread(() =>
            {
                for (int i = 0; i < 25; ++i)
                {
                    using (var session = new Session(model, OneThread))
                    using (Result result = session.Classify(Runner.Cat))
                    {
                        string missing = "/nowhere/" + number;
                        var error = Check.Throws<AlexNetException>(() => session.Classify(missing));
                        if (result.Probabilities().SequenceEqual(expected) && error.Message.Contains(missing)) continue;
                        lock (failures) failures.Add(error.Message);
                    }
                }
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
            Check.Equal(0, failures.Count);
        }
    }

    public static void OneSessionServesOneThread()
    {
        using (Dataset data = TrainingTests.Bright())
        using (var trainer = new Trainer("alexnet-cifar10", data, TrainingTests.Options()))
        using (Model model = trainer.CopyModel())
        using (var session = new Session(model, OneThread))
        {
            session.Evaluate(data, 1, (done, total) => Runner.Elsewhere(
                () => Check.Fails(Status.InvalidState, () => session.Classify(Runner.Cat), "at work"))).Dispose();
            trainer.OnStep = step => Runner.Elsewhere(
                () => Check.Fails(Status.InvalidState, () => trainer.SaveCheckpoint("no"), "at work"));
            trainer.Step();
        }
    }
}
