using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>A tensor of a weight file.</summary>
    public sealed class TensorInfo
    {
        internal TensorInfo(string name, string type, long[] shape)
        {
            Name = name;
            Type = type;
            Shape = shape;
        }

        /// <summary>Its name.</summary>
        public string Name { get; }

        /// <summary>As stored: "F32", "F16", "BF16", "I8".</summary>
        public string Type { get; }

        /// <summary>Dimensions, slowest first.</summary>
        public IReadOnlyList<long> Shape { get; }

        /// <summary>Numbers in all.</summary>
        public long Count => Shape.Aggregate(1L, (product, n) => checked(product * n));

        /// <summary>"conv1.weight F16 32x3x3x3".</summary>
        public override string ToString() => Name + " " + Type + " " + string.Join("x", Shape);
    }

    /// <summary>An opened weight file, whatever its network. The file must stay as it is while this lives.</summary>
    public sealed unsafe class WeightFile : IDisposable
    {
        private readonly WeightsHandle owned;

        private WeightsHandle Handle => owned.Of(nameof(WeightFile));

        /// <summary>Opens a file of any kind that <see cref="Model"/> takes; structure and sizes are checked.</summary>
        public WeightFile(string path)
        {
            Native.Match();
            Native.Check(Native.alexnet_weights_open(Native.Utf8(path, nameof(path)), out owned));
        }

        /// <summary>In file order.</summary>
        public IReadOnlyList<TensorInfo> Tensors
        {
            get
            {
                using (Handle.Hold())
                {
                    Native.Check(Native.alexnet_weights_tensor_count(Handle, out long count));
                    var tensors = new TensorInfo[count];
                    for (long i = 0; i < count; ++i)
                    {
                        Native.Check(Native.alexnet_weights_tensor(Handle, i, out IntPtr name, out IntPtr type, out IntPtr dimensions,
                            out long rank));
                        var shape = new long[rank];
                        if (rank > 0) Marshal.Copy(dimensions, shape, 0, shape.Length);
                        tensors[i] = new TensorInfo(Native.Text(name), Native.Text(type), shape);
                    }
                    return tensors;
                }
            }
        }

        /// <summary>All elements of a tensor as floats; its checksum is checked where the file has one.</summary>
        public float[] Read(TensorInfo tensor)
        {
            if (tensor == null) throw new ArgumentNullException(nameof(tensor));
            var values = new float[tensor.Count];
            float nothing;
            fixed (float* start = values)
                Native.Check(Native.alexnet_weights_read(Handle, Native.Utf8(tensor.Name), start != null ? start : &nothing,
                    values.Length));
            return values;
        }

#if NETCOREAPP
        /// <summary>All elements of a tensor as floats, into `destination`.</summary>
        public void Read(TensorInfo tensor, Span<float> destination)
        {
            if (tensor == null) throw new ArgumentNullException(nameof(tensor));
            float nothing;
            fixed (float* start = &MemoryMarshal.GetReference(destination))
                Native.Check(Native.alexnet_weights_read(Handle, Native.Utf8(tensor.Name), start != null ? start : &nothing,
                    destination.Length));
        }
#endif

        /// <summary>A value of the file's metadata ("alexnet.model", "alexnet.input", "alexnet.labels", ...); null where there is
        /// none.</summary>
        public string Metadata(string key)
        {
            using (Handle.Hold())
            {
                Status status = Native.alexnet_weights_metadata(Handle, Native.Utf8(key, nameof(key)), out IntPtr value);
                if (status == Status.NotFound) return null;
                Native.Check(status);
                return Native.Text(value);
            }
        }

        /// <summary>Checks all that a file says of itself, every checksum and the self-test among it, and throws with every fault,
        /// one a line. Returns how far the probabilities of its self-test were off at most; null where it has none.</summary>
        public static double? Verify(string path, string device = null)
        {
            Native.Match();
            Native.Check(Native.alexnet_weights_verify(Native.Utf8(path, nameof(path)), Native.Utf8(device),
                out int tested, out double difference));
            return tested != 0 ? difference : (double?)null;
        }

        /// <summary>Reads a weight file of any kind and writes it as safetensors, whole or not at all.</summary>
        /// <param name="from">A path.</param>
        /// <param name="to">A path, which may be the same.</param>
        /// <param name="network">The network of a file that does not say it.</param>
        /// <param name="precision">Stored type: AsStored, Fp32, Fp16 or Bf16.</param>
        /// <param name="plain">Tensors alone, without preprocessing, labels, checksums and self-test.</param>
        public static void Convert(string from, string to, string network = null, Precision precision = Precision.AsStored,
            bool plain = false)
        {
            Native.Match();
            Native.Check(Native.alexnet_weights_convert(Native.Utf8(from, nameof(from)), Native.Utf8(to, nameof(to)),
                Native.Utf8(network), precision, plain ? 1 : 0));
        }

        /// <summary>Frees it.</summary>
        public void Dispose() => owned.Dispose();
    }
}
