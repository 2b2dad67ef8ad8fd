using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>Size of a layer's output for one image; height and width are 1 behind a fully connected layer.</summary>
    public struct Shape
    {
        internal Shape(long channels, long height, long width)
        {
            Channels = channels;
            Height = height;
            Width = width;
        }

        /// <summary>Maps, or units of a fully connected layer.</summary>
        public long Channels { get; }

        /// <summary>Rows.</summary>
        public long Height { get; }

        /// <summary>Columns.</summary>
        public long Width { get; }

        /// <summary>Numbers in all.</summary>
        public long Count => Channels * Height * Width;

        /// <summary>"96x8x8".</summary>
        public override string ToString() => FormattableString.Invariant($"{Channels}x{Height}x{Width}");
    }

    /// <summary>A layer of a network.</summary>
    public sealed class Layer
    {
        internal Layer(string name, string op, Shape shape, long parameters, long multiplyAdds)
        {
            Name = name;
            Op = op;
            Shape = shape;
            Parameters = parameters;
            MultiplyAdds = multiplyAdds;
        }

        /// <summary>As <see cref="SessionOptions.Outputs"/> takes it.</summary>
        public string Name { get; }

        /// <summary>Its kind: "conv", "max_pool", "linear", ...</summary>
        public string Op { get; }

        /// <summary>Of its output.</summary>
        public Shape Shape { get; }

        /// <summary>Learnt numbers.</summary>
        public long Parameters { get; }

        /// <summary>For one image.</summary>
        public long MultiplyAdds { get; }

        /// <summary>"pool1: max_pool 32x16x16".</summary>
        public override string ToString() => Name + ": " + Op + " " + Shape;
    }

    /// <summary>Network, weights, preprocessing and labels. It never changes, and any number of threads may use it.</summary>
    public sealed unsafe class Model : IDisposable
    {
        private string[] labels;

        private readonly ModelHandle owned;

        internal ModelHandle Handle => owned.Of(nameof(Model));

        /// <summary>Opens a weight file (.safetensors, or torchvision's .pth), which must stay as it is while the model lives.
        /// Names and sizes are checked here alone, so a damaged file may pass: weights are read, and their checksums checked,
        /// by <see cref="Session"/>; <see cref="WeightFile.Verify"/> checks everything.</summary>
        /// <param name="fileOrName">A path, or a network whose weights come with the library; null: "alexnet-cifar10".</param>
        /// <param name="network">The network of a file that does not say it.</param>
        /// <param name="context">null: the default one.</param>
        public Model(string fileOrName = null, string network = null, Context context = null)
        {
            Native.Check(Native.alexnet_model_open(Context.HandleOf(context), Native.Utf8(fileOrName), Native.Utf8(network),
                out ModelHandle handle));
            owned = handle;
        }

        internal Model(ModelHandle handle)
        {
            owned = handle;
        }

        /// <summary>From the bytes of a weight file, which are copied.</summary>
        public static Model FromBytes(byte[] bytes, string network = null, Context context = null)
        {
            fixed (byte* start = Native.Addressable(bytes, nameof(bytes)))
                return FromMemory(start, bytes.Length, network, context);
        }

#if NETCOREAPP
        /// <summary>From the bytes of a weight file, which are copied.</summary>
        public static Model FromBytes(ReadOnlySpan<byte> bytes, string network = null, Context context = null)
        {
            byte nothing;
            fixed (byte* start = &MemoryMarshal.GetReference(bytes))
                return FromMemory(start != null ? start : &nothing, bytes.Length, network, context);
        }
#endif

        private static Model FromMemory(byte* bytes, int size, string network, Context context)
        {
            Native.Check(Native.alexnet_model_open_memory(Context.HandleOf(context), bytes, (UIntPtr)size, Native.Utf8(network),
                out ModelHandle handle));
            return new Model(handle);
        }

        /// <summary>A network, by its name, spec file or spec, with weights drawn from `seed`, to measure or to try things out. `classes` and `side` (of the
        /// square input): 0 for its own.</summary>
        public static Model Drawn(string network, long classes = 0, long side = 0, ulong seed = 1, Context context = null)
        {
            Native.Check(Native.alexnet_model_create(Context.HandleOf(context), Native.Utf8(network, nameof(network)), classes, side, seed,
                out ModelHandle handle));
            return new Model(handle);
        }

        /// <summary>The name of its network.</summary>
        public string Name
        {
            get
            {
                using (Handle.Hold())
                {
                    Native.Check(Native.alexnet_model_name(Handle, out IntPtr name));
                    return Native.Text(name);
                }
            }
        }

        /// <summary>The names of its classes.</summary>
        public IReadOnlyList<string> Labels
        {
            get
            {
                if (labels != null) return labels;
                using (Handle.Hold())
                {
                    Native.Check(Native.alexnet_model_class_count(Handle, out long count));
                    return labels = Native.Texts(count, (long i, out IntPtr text) => Native.alexnet_model_label(Handle, i, out text));
                }
            }
        }

        /// <summary>Height in pixels of what the network reads.</summary>
        public long InputHeight
        {
            get
            {
                Native.Check(Native.alexnet_model_input_size(Handle, out long height, out long width));
                return height;
            }
        }

        /// <summary>Width in pixels of what the network reads.</summary>
        public long InputWidth
        {
            get
            {
                Native.Check(Native.alexnet_model_input_size(Handle, out long height, out long width));
                return width;
            }
        }

        /// <summary>How a picture becomes what the network reads, as JSON.</summary>
        public string InputJson
        {
            get
            {
                using (Handle.Hold())
                {
                    Native.Check(Native.alexnet_model_input_json(Handle, out IntPtr json));
                    return Native.Text(json);
                }
            }
        }

        /// <summary>How many numbers were learnt.</summary>
        public long ParameterCount
        {
            get
            {
                Native.Check(Native.alexnet_model_parameter_count(Handle, out long count));
                return count;
            }
        }

        /// <summary>In the order they run.</summary>
        public IReadOnlyList<Layer> Layers
        {
            get
            {
                using (Handle.Hold())
                {
                    Native.Check(Native.alexnet_model_layer_count(Handle, out long count));
                    var layers = new Layer[count];
                    for (long i = 0; i < count; ++i)
                    {
                        Native.Check(Native.alexnet_model_layer_name(Handle, i, out IntPtr name, out IntPtr op));
                        Native.Check(Native.alexnet_model_layer_shape(Handle, i, out long channels, out long height, out long width));
                        Native.Check(Native.alexnet_model_layer_cost(Handle, i, out long parameters, out long multiplyAdds));
                        layers[i] = new Layer(Native.Text(name), Native.Text(op), new Shape(channels, height, width), parameters,
                            multiplyAdds);
                    }
                    return layers;
                }
            }
        }

        /// <summary>What the network reads for a picture: crops x 3 x height x width floats. `crops`: 1, the centre, or 10.</summary>
        public float[] Preprocess(Image image, int crops = 1)
        {
            if (image == null) throw new ArgumentNullException(nameof(image));
            // The library refuses any other count of crops, before it writes.
            var values = new float[(crops == 10 ? 10 : 1) * 3 * InputHeight * InputWidth];
            fixed (float* start = values)
                Native.Check(Native.alexnet_model_preprocess(Handle, image.Handle, crops, start, values.Length));
            return values;
        }

        /// <summary>How far the probabilities of its file's self-test are off here; null where the file has none. Throws where
        /// they differ.</summary>
        public double? SelfTest(string device = null)
        {
            Native.Check(Native.alexnet_model_self_test(Handle, Native.Utf8(device), out int tested, out double difference));
            return tested != 0 ? difference : (double?)null;
        }

        /// <summary>Frees it; sessions made with it stay usable.</summary>
        public void Dispose() => owned.Dispose();
    }
}
