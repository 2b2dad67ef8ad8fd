using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace AlexNet
{
    // Owns one of the library's handles. They may be freed in any order and by any thread, so the garbage collector may do it.
    internal abstract class NativeHandle : SafeHandle
    {
        // What the library gives back to callbacks. Weak, so that a callback that knows its owner does not keep it alive.
        internal GCHandle Root;

        protected NativeHandle() : base(IntPtr.Zero, true)
        {
        }

        public override bool IsInvalid => handle == IntPtr.Zero;

        // Its address as user_data.
        internal IntPtr RootFor(object state)
        {
            Root = GCHandle.Alloc(state, GCHandleType.Weak);
            return GCHandle.ToIntPtr(Root);
        }

        // Keeps it from being freed until the result is disposed of: for what is read after a call.
        internal Held Hold() => new Held(this);

        protected abstract void Free(IntPtr native);

        protected override bool ReleaseHandle()
        {
            // Inside a callback the library frees nothing.
            if (Callback.Inside)
                ThreadPool.QueueUserWorkItem(ignored => FreeAll());
            else
                FreeAll();
            return true;
        }

        private void FreeAll()
        {
            Free(handle);
            if (Root.IsAllocated) Root.Free();
        }
    }

    internal struct Held : IDisposable
    {
        private readonly NativeHandle handle;

        internal Held(NativeHandle handle)
        {
            bool added = false;
            handle.DangerousAddRef(ref added);
            this.handle = handle;
        }

        public void Dispose() => handle.DangerousRelease();
    }

    internal static class NativeHandles
    {
        // The handle, if its owner was not disposed of.
        internal static T Of<T>(this T handle, string owner) where T : NativeHandle
        {
            if (handle.IsClosed) throw new ObjectDisposedException(owner);
            return handle;
        }
    }

    // Handles as an array of addresses, held until it is disposed of.
    internal sealed class HandleArray : IDisposable
    {
        private readonly List<Held> held = new List<Held>();

        internal IntPtr[] Addresses { get; }

        internal HandleArray(IReadOnlyList<NativeHandle> handles)
        {
            Addresses = new IntPtr[handles.Count];
            try
            {
                for (int i = 0; i < handles.Count; ++i)
                {
                    held.Add(handles[i].Hold());
                    Addresses[i] = handles[i].DangerousGetHandle();
                }
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            foreach (Held handle in held) handle.Dispose();
            held.Clear();
        }
    }

    // Marks its thread as inside one of the library's callbacks.
    internal struct Callback : IDisposable
    {
        [ThreadStatic] private static int depth;

        internal static bool Inside => depth > 0;

        internal static Callback Enter()
        {
            ++depth;
            return new Callback();
        }

        public void Dispose() => --depth;
    }
}
