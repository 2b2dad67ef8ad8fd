using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>Labelled pictures, in files or in memory. It does not change while a trainer uses it.</summary>
    public sealed class Dataset : IDisposable
    {
        private readonly DatasetHandle owned;
        private Dictionary<string, long> indices;  // of the classes, by name

        internal DatasetHandle Handle => owned.Of(nameof(Dataset));

        private Dataset(DatasetHandle handle)
        {
            owned = handle;
        }

        /// <summary>Opens a folder with one sub-folder of pictures for each class, a tar archive of such folders, as `alexnet
        /// pack` writes it, CIFAR-10 binary, or MNIST-style idx files, which must stay. `part`: "train" or "test" where both are
        /// there; null: "train".</summary>
        public Dataset(string folder, string part = null)
        {
            Native.Match();
            Native.Check(Native.alexnet_dataset_open(Native.Utf8(folder, nameof(folder)), Native.Utf8(part), out DatasetHandle handle));
            owned = handle;
        }

        /// <summary>A set in memory, empty at first, with these classes.</summary>
        public static Dataset InMemory(params string[] classes)
        {
            Native.CheckItems(classes, nameof(classes));
            Native.Match();
            var pins = new GCHandle[classes.Length];
            try
            {
                var names = new IntPtr[classes.Length];
                for (int i = 0; i < names.Length; ++i)
                {
                    pins[i] = GCHandle.Alloc(Native.Utf8(classes[i]), GCHandleType.Pinned);
                    names[i] = pins[i].AddrOfPinnedObject();
                }
                Native.Check(Native.alexnet_dataset_create(names, names.Length, out DatasetHandle handle));
                return new Dataset(handle);
            }
            finally
            {
                foreach (GCHandle pin in pins)
                    if (pin.IsAllocated) pin.Free();
            }
        }

        /// <summary>The same from any sequence of names.</summary>
        public static Dataset InMemory(IEnumerable<string> classes)
        {
            if (classes == null) throw new ArgumentNullException(nameof(classes));
            return InMemory(classes.ToArray());
        }

        /// <summary>Adds a copy of a picture, of any size, to a set in memory, as one of the class of this name.</summary>
        public void Add(Image image, string className)
        {
            if (className == null) throw new ArgumentNullException(nameof(className));
            if (indices == null)
            {
                var all = new Dictionary<string, long>();
                foreach (string name in Classes) all.Add(name, all.Count);
                indices = all;
            }
            if (!indices.TryGetValue(className, out long index))
                throw new ArgumentException("The set has no class \"" + className + "\", only " + string.Join(", ", Classes) + ".",
                    nameof(className));
            Add(image, index);
        }

        /// <summary>Adds a copy of a picture, of any size, to a set in memory. While a trainer uses the set, and to a set of
        /// files, nothing is added: <see cref="Status.InvalidState"/>.</summary>
        public void Add(Image image, long classIndex)
        {
            if (image == null) throw new ArgumentNullException(nameof(image));
            Native.Check(Native.alexnet_dataset_add(Handle, image.Handle, classIndex));
        }

        /// <summary>How many pictures, readable or not.</summary>
        public long Count
        {
            get
            {
                Native.Check(Native.alexnet_dataset_size(Handle, out long images));
                return images;
            }
        }

        /// <summary>The names of the classes.</summary>
        public IReadOnlyList<string> Classes
        {
            get
            {
                using (Handle.Hold())
                {
                    Native.Check(Native.alexnet_dataset_class_count(Handle, out long count));
                    return Native.Texts(count, (long i, out IntPtr name) => Native.alexnet_dataset_class_name(Handle, i, out name));
                }
            }
        }

        /// <summary>Frees it; trainers made with it stay usable.</summary>
        public void Dispose() => owned.Dispose();
    }
}
