using System;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>Gives the memory of weights, activations and workspaces.</summary>
    public interface IAllocator
    {
        /// <summary>`size` bytes (1 or more) at a multiple of `alignment` (a power of two, 64 or less), or
        /// <see cref="IntPtr.Zero"/> where there are none, as which an exception counts too. Several threads call at once.</summary>
        IntPtr Allocate(long size, long alignment);

        /// <summary>Takes back what <see cref="Allocate"/> gave, with the same numbers. Exceptions are dropped.</summary>
        void Deallocate(IntPtr memory, long size, long alignment);
    }

    /// <summary>Calls `run` once with each part in 0..parts-1, in any order, on any threads, several at once where it can, and
    /// returns when all of these calls have.</summary>
    public delegate void ParallelFor(long parts, Action<long> run);

    /// <summary>Log, threads and memory of what is made in it. Most programs need none: wherever one is asked for, null means
    /// <see cref="Default"/>.</summary>
    public sealed class Context : IDisposable
    {
        private static readonly LogCallback LogThunk = PassOn;
        private static readonly ParallelForCallback ParallelForThunk = RunParts;
        private static readonly AllocateCallback AllocateThunk = Allocate;
        private static readonly DeallocateCallback DeallocateThunk = Deallocate;
        private readonly Logger logger = new Logger();
        private readonly IntPtr root;
        private readonly bool own;

        private sealed class Logger
        {
            internal volatile Action<LogLevel, string> Log;
        }

        /// <summary>The one that always exists.</summary>
        public static Context Default { get; } = new Context(new ContextHandle());

        private readonly ContextHandle owned;

        internal ContextHandle Handle => owned.Of(nameof(Context));

        private Context(ContextHandle handle)
        {
            owned = handle;
            root = handle.RootFor(logger);
        }

        /// <summary>A context of its own, silent and with every core.</summary>
        public Context() : this(Create())
        {
            own = true;
        }

        private static ContextHandle Create()
        {
            Native.Match();
            Native.Check(Native.alexnet_context_create(out ContextHandle handle));
            return handle;
        }

        internal static ContextHandle HandleOf(Context context)
        {
            Native.Match();
            return (context ?? Default).Handle;
        }

        /// <summary>Threads that sessions and trainers made later compute with where their options do not say; 0: all cores.</summary>
        public void SetThreads(int threads) => Native.Check(Native.alexnet_context_set_threads(Handle, threads));

        /// <summary>Sessions and trainers made later compute on the program's own threads, at most so many at once (1..4096):
        /// `SetParallelFor((parts, run) =&gt; Parallel.For(0, parts, run), Environment.ProcessorCount)`. Null: the library's
        /// own. Parts that it has not run when it returns or throws make the call that needed them fail with
        /// <see cref="Status.InvalidState"/>. As what uses it may outlive the context, it is kept for the life of the process.
        /// What may be used inside it stands at <see cref="Trainer.OnStep"/>.</summary>
        public void SetParallelFor(ParallelFor parallelFor, int mostAtOnce = 0)
        {
            if (parallelFor == null)
            {
                Native.Check(Native.alexnet_context_set_parallel_for(Handle, null, IntPtr.Zero, 0));
                return;
            }
            GCHandle kept = GCHandle.Alloc(parallelFor);
            Status status = Native.alexnet_context_set_parallel_for(Handle, ParallelForThunk, GCHandle.ToIntPtr(kept), mostAtOnce);
            if (status == Status.Ok) return;
            kept.Free();
            throw Native.Error(status);
        }

        /// <summary>At most so many bytes of tensors in host memory; 0: no limit.</summary>
        public void SetMemoryLimit(long bytes) => Native.Check(Native.alexnet_context_set_memory_limit(Handle, bytes));

        /// <summary>What files may cost that are read for this context; 0: the usual limit. The default context's hold for data
        /// sets, pictures and weight files too.</summary>
        public void SetLimit(LimitKind kind, long value) => Native.Check(Native.alexnet_context_set_limit(Handle, kind, value));

        /// <summary>Bytes of tensors in host memory now.</summary>
        public long MemoryInUse
        {
            get
            {
                Native.Check(Native.alexnet_context_memory_in_use(Handle, out long bytes));
                return bytes;
            }
        }

        /// <summary>Where tensors of sessions and trainers made later come from; null: the library's own. As these may
        /// outlive the context, the allocator is kept for the life of the process.</summary>
        public void SetAllocator(IAllocator allocator)
        {
            if (allocator == null)
            {
                Native.Check(Native.alexnet_context_set_allocator(Handle, null, null, IntPtr.Zero));
                return;
            }
            GCHandle kept = GCHandle.Alloc(allocator);
            Status status = Native.alexnet_context_set_allocator(Handle, AllocateThunk, DeallocateThunk, GCHandle.ToIntPtr(kept));
            if (status == Status.Ok) return;
            kept.Free();
            throw Native.Error(status);
        }

        /// <summary>The function that gets the library's log lines while this object is in use, from any thread that works,
        /// several at once; null: none. When this returns, the old one is in no call any more: hold no lock that it takes.
        /// What it throws is dropped; what may be used inside it stands at <see cref="Trainer.OnStep"/>.</summary>
        public void SetLog(Action<LogLevel, string> log)
        {
            Action<LogLevel, string> old = logger.Log;
            logger.Log = log;
            Status status = Native.alexnet_context_set_log_callback(Handle, log == null ? null : LogThunk, root);
            if (status == Status.Ok) return;
            logger.Log = old;
            throw Native.Error(status);
        }

        /// <summary>Ends its log; what was made in it stays usable. Nothing happens to <see cref="Default"/>.</summary>
        public void Dispose()
        {
            if (own) owned.Dispose();
        }

        private static void PassOn(IntPtr userData, LogLevel level, IntPtr line)
        {
            using (Callback.Enter())
            {
                try
                {
                    var logger = (Logger)GCHandle.FromIntPtr(userData).Target;
                    logger?.Log?.Invoke(level, Native.Text(line));
                }
                catch
                {
                    // There is no call that it could come out of.
                }
            }
        }

        private static void RunParts(IntPtr userData, long parts, IntPtr run, IntPtr task)
        {
            using (Callback.Enter())
            {
                try
                {
                    PartFunction function = Marshal.GetDelegateForFunctionPointer<PartFunction>(run);
                    ((ParallelFor)GCHandle.FromIntPtr(userData).Target)(parts, part => function(task, part));
                }
                catch
                {
                    // The library sees which parts have not run.
                }
            }
        }

        private static IntPtr Allocate(IntPtr userData, UIntPtr size, UIntPtr alignment)
        {
            using (Callback.Enter())
            {
                try
                {
                    return ((IAllocator)GCHandle.FromIntPtr(userData).Target).Allocate((long)size, (long)alignment);
                }
                catch
                {
                    return IntPtr.Zero;
                }
            }
        }

        private static void Deallocate(IntPtr userData, IntPtr memory, UIntPtr size, UIntPtr alignment)
        {
            using (Callback.Enter())
            {
                try
                {
                    ((IAllocator)GCHandle.FromIntPtr(userData).Target).Deallocate(memory, (long)size, (long)alignment);
                }
                catch
                {
                }
            }
        }
    }
}
