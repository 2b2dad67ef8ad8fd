using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>Labelled pictures. Once something was made with it, it never changes.</summary>
    public sealed class Dataset : IDisposable
    {
        private readonly DatasetHandle owned;

        internal DatasetHandle Handle => owned.Of(nameof(Dataset));

        private Dataset(DatasetHandle handle)
        {
            owned = handle;
        }

        /// <summary>Opens a folder with one sub-folder of pictures for each class, CIFAR-10 binary, or MNIST-style idx files,
        /// which must stay. `part`: "train" or "test" where the folder holds both; null: "train".</summary>
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

        /// <summary>Adds a copy of a picture to a set in memory, before something is made with it.</summary>
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
