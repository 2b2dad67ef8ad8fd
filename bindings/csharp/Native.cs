using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace AlexNet
{
    // What stands around the generated declarations: finding the library, errors and text.
    internal static unsafe partial class Native
    {
        // alexnet.dll or libalexnet.so; where there is only libalexnet.so.1, AlexNet.NET.dll.config tells Mono and Resolve() .NET.
        internal const string Name = "alexnet";

        private static readonly Encoding Strict = new UTF8Encoding(false, true);
        private static readonly byte[] Nothing = new byte[1];
        private static volatile bool matched;

#if NETCOREAPP
        static Native()
        {
            try
            {
                NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Resolve);
            }
            catch (InvalidOperationException)
            {
                // The program has set its own.
            }
        }

        private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
        {
            if (name != Name) return IntPtr.Zero;
            if (NativeLibrary.TryLoad(name, assembly, path, out IntPtr library)) return library;
            return NativeLibrary.TryLoad("libalexnet.so.1", assembly, path, out library) ? library : IntPtr.Zero;
        }
#endif

        // The first call of all: says where the library was looked for where there is none.
        internal static int LoadedAbi()
        {
            try
            {
                return alexnet_abi_version();
            }
            catch (DllNotFoundException error)
            {
                throw new DllNotFoundException("The native library of libalexnet cannot be loaded (" + error.Message +
                    "). It, and what it needs itself, must be where the system looks: " + (Path.DirectorySeparatorChar == '\\'
                        ? "alexnet.dll beside the program, in " + AppDomain.CurrentDomain.BaseDirectory + ", or in PATH."
                        : "libalexnet.so.1 or libalexnet.so beside the program, in " + AppDomain.CurrentDomain.BaseDirectory +
                          ", in a folder of LD_LIBRARY_PATH (now \"" + Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") +
                          "\") or of the system; Mono needs AlexNet.NET.dll.config beside AlexNet.NET.dll.") +
                    " See Deployment in the guide, docs/csharp.md.", error);
            }
        }

        // Refuses a library of another ABI, in words. Called before anything is made.
        internal static void Match()
        {
            if (matched) return;
            int abi = LoadedAbi();
            if (abi != AbiVersion)
                throw new AlexNetException(Status.Unsupported, "the native library alexnet " + Text(alexnet_version()) +
                    " has ABI version " + abi + ", this AlexNet.NET.dll needs " + AbiVersion);
            matched = true;
        }

        internal static void Check(Status status)
        {
            if (status != Status.Ok) throw Error(status);
        }

        // The failure that this thread has just met.
        internal static Exception Error(Status status)
        {
            string text = Text(alexnet_last_error());
            if (status == Status.Cancelled) return new OperationCanceledException(text);
            return new AlexNetException(status, text);
        }

        // Zero-terminated UTF-8; null stays null.
        internal static byte[] Utf8(string text)
        {
            if (text == null) return null;
            if (text.IndexOf('\0') >= 0) throw new ArgumentException("A text for the library must not contain a zero character.");
            var bytes = new byte[Strict.GetByteCount(text) + 1];
            Strict.GetBytes(text, 0, text.Length, bytes, 0);
            return bytes;
        }

        // The same for what must not be null.
        internal static byte[] Utf8(string text, string argument)
        {
            if (text == null) throw new ArgumentNullException(argument);
            return Utf8(text);
        }

        // Refuses a list that is null, or that has null in it.
        internal static void CheckItems<T>(IReadOnlyList<T> items, string argument) where T : class
        {
            if (items == null) throw new ArgumentNullException(argument);
            for (int i = 0; i < items.Count; ++i)
                if (items[i] == null) throw new ArgumentNullException(argument, argument + "[" + i + "] is null.");
        }

        internal static string Text(IntPtr utf8)
        {
            if (utf8 == IntPtr.Zero) return null;
            int length = 0;
            while (((byte*)utf8)[length] != 0) ++length;
            return Encoding.UTF8.GetString((byte*)utf8, length);
        }

        internal delegate Status TextAt(long index, out IntPtr text);

        internal static string[] Texts(long count, TextAt at)
        {
            var texts = new string[count];
            for (long i = 0; i < count; ++i)
            {
                Check(at(i, out IntPtr text));
                texts[i] = Text(text);
            }
            return texts;
        }

        // An array that has an address, even with nothing in it.
        internal static byte[] Addressable(byte[] bytes, string argument)
        {
            if (bytes == null) throw new ArgumentNullException(argument);
            return bytes.Length > 0 ? bytes : Nothing;
        }
    }
}
