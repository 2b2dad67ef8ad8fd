using System;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace AlexNet
{
    /// <summary>Passes progress on, and keeps what it throws until the native call has returned.</summary>
    internal sealed class ProgressWatch
    {
        private static readonly ProgressCallback Thunk = PassOn;
        private readonly Action<long, long> progress;
        private readonly CancellationToken token;
        private ExceptionDispatchInfo thrown;

        internal delegate Status Measure(ProgressCallback callback, IntPtr userData, out EvaluationHandle evaluation);

        private ProgressWatch(Action<long, long> progress, CancellationToken token)
        {
            this.progress = progress;
            this.token = token;
        }

        internal static Evaluation Evaluate(Action<long, long> progress, CancellationToken token, Measure measure)
        {
            EvaluationHandle evaluation = null;
            Watch(progress, token, (callback, user) => measure(callback, user, out evaluation));
            return new Evaluation(evaluation);
        }

        internal static void Watch(Action<long, long> progress, CancellationToken token, Func<ProgressCallback, IntPtr, Status> call)
        {
            token.ThrowIfCancellationRequested();
            var watch = new ProgressWatch(progress, token);
            GCHandle root = GCHandle.Alloc(watch);
            try
            {
                Status status = call(Thunk, GCHandle.ToIntPtr(root));
                watch.thrown?.Throw();
                if (status == Status.Cancelled) token.ThrowIfCancellationRequested();
                Native.Check(status);
            }
            finally
            {
                root.Free();
            }
        }

        private static int PassOn(IntPtr userData, long done, long total)
        {
            using (Callback.Enter())
            {
                var watch = (ProgressWatch)GCHandle.FromIntPtr(userData).Target;
                try
                {
                    watch.progress?.Invoke(done, total);
                    return watch.token.IsCancellationRequested ? 1 : 0;
                }
                catch (Exception exception)
                {
                    watch.thrown = ExceptionDispatchInfo.Capture(exception);
                    return 1;
                }
            }
        }
    }
}
