using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;

namespace AlexNet
{
    /// <summary>How a session shall run. Values are checked when one is made, null at once.</summary>
    public sealed class SessionOptions
    {
        private string device = "cpu";

        /// <summary>"cpu" (the default), "reference", "cuda:0", or several with commas.</summary>
        public string Device
        {
            get => device;
            set => device = value ?? throw new ArgumentNullException(nameof(Device));
        }

        /// <summary>Of CPU devices; 0, the default: the context's.</summary>
        public int Threads { get; set; }

        /// <summary>Images computed in one go, 1 by default. More are faster each and take more memory.</summary>
        public long Batch { get; set; } = 1;

        /// <summary>What is computed in, Fp32 by default. "cpu" has Fp16 and Bf16 too.</summary>
        public Precision Precision { get; set; } = Precision.Fp32;

        /// <summary>Layers for <see cref="Session.Features(IReadOnlyList{Image}, string)"/> and <see cref="Result.Features"/>: names of
        /// <see cref="Model.Layers"/>, as "fc5" of the model that comes with the library; none by default.</summary>
        public IList<string> Outputs { get; } = new List<string>();

        internal SessionOptionsHandle ToNative()
        {
            var outputs = Outputs.ToArray();
            Native.CheckItems(outputs, nameof(Outputs));
            Native.Check(Native.alexnet_session_options_create(out SessionOptionsHandle handle));
            Native.Check(Native.alexnet_session_options_set_device(handle, Native.Utf8(Device)));
            Native.Check(Native.alexnet_session_options_set_threads(handle, Threads));
            Native.Check(Native.alexnet_session_options_set_batch(handle, Batch));
            Native.Check(Native.alexnet_session_options_set_precision(handle, Precision));
            foreach (string layer in outputs) Native.Check(Native.alexnet_session_options_add_output(handle, Native.Utf8(layer)));
            return handle;
        }
    }

    /// <summary>A model bound to devices, batch and precision. One thread at a time; sessions of one model share its weights.</summary>
    public sealed unsafe class Session : IDisposable
    {
        private readonly SessionHandle owned;
        private readonly long imageSize;

        internal SessionHandle Handle => owned.Of(nameof(Session));

        /// <summary>Reads the weights, checks their checksums (<see cref="Status.BadFile"/> names a damaged tensor) and places the
        /// memory; `options` null: the defaults.</summary>
        public Session(Model model, SessionOptions options = null)
        {
            if (model == null) throw new ArgumentNullException(nameof(model));
            imageSize = 3 * model.InputHeight * model.InputWidth;
            using (SessionOptionsHandle native = (options ?? new SessionOptions()).ToNative())
                Native.Check(Native.alexnet_session_create(model.Handle, native, out owned));
        }

        /// <summary>What a session would take. Sizes are enough for it: weights are not read.</summary>
        public static MemoryReport PlanMemory(Model model, SessionOptions options = null)
        {
            if (model == null) throw new ArgumentNullException(nameof(model));
            using (SessionOptionsHandle native = (options ?? new SessionOptions()).ToNative())
            {
                Native.Check(Native.alexnet_session_plan_memory(model.Handle, native, out MemoryHandle memory));
                return new MemoryReport(memory);
            }
        }

        /// <summary>What this session takes.</summary>
        public MemoryReport Memory()
        {
            Native.Check(Native.alexnet_session_memory(Handle, out MemoryHandle memory));
            return new MemoryReport(memory);
        }

        /// <summary>Classifies the picture in a file, by the centre crop.</summary>
        public Result Classify(string path)
        {
            Native.Check(Native.alexnet_session_classify_file(Handle, Native.Utf8(path, nameof(path)), out ResultHandle result));
            return new Result(result);
        }

        /// <summary>The same for the bytes of such a file.</summary>
        public Result Classify(byte[] bytes)
        {
            fixed (byte* start = Native.Addressable(bytes, nameof(bytes)))
                return ClassifyMemory(start, bytes.Length);
        }

        /// <summary>Classifies a picture. `crops`: 1, the centre, or 10, the mean over corners, centre and their mirror images.</summary>
        public Result Classify(Image image, int crops = 1) => Classify(One(image), crops);

        /// <summary>Classifies pictures; the result holds them in the same order. `crops`: 1 or 10.</summary>
        public Result Classify(IReadOnlyList<Image> images, int crops = 1)
        {
            using (HandleArray list = Image.Hold(images))
            {
                Native.Check(Native.alexnet_session_classify_images(Handle, list.Addresses, images.Count, crops, out ResultHandle result));
                return new Result(result);
            }
        }

        /// <summary>Runs on images that are preprocessed already, as <see cref="Model.Preprocess"/> does: 3 x height x width
        /// floats each.</summary>
        public Result Run(float[] values)
        {
            if (values == null) throw new ArgumentNullException(nameof(values));
            fixed (float* start = values)
                return Run(start, values.Length);
        }

        /// <summary>Size of the activations of a layer of <see cref="SessionOptions.Outputs"/>, for one image.</summary>
        public Shape OutputShape(string layer)
        {
            Native.Check(Native.alexnet_session_output_shape(Handle, Native.Utf8(layer, nameof(layer)), out long channels,
                out long height, out long width));
            return new Shape(channels, height, width);
        }

        /// <summary>Activations of a layer of <see cref="SessionOptions.Outputs"/> for the centre crops: images x channels x
        /// height x width floats.</summary>
        public float[] Features(IReadOnlyList<Image> images, string layer)
        {
            Native.CheckItems(images, nameof(images));
            var values = new float[images.Count * OutputShape(layer).Count];
            fixed (float* start = values)
                Features(images, layer, start, values.Length);
            return values;
        }

        /// <summary>The same for one picture: channels x height x width floats.</summary>
        public float[] Features(Image image, string layer) => Features(One(image), layer);

#if NETCOREAPP
        /// <summary>Classifies the bytes of a picture file.</summary>
        public Result Classify(ReadOnlySpan<byte> bytes)
        {
            byte nothing;
            fixed (byte* start = &MemoryMarshal.GetReference(bytes))
                return ClassifyMemory(start != null ? start : &nothing, bytes.Length);
        }

        /// <summary>Runs on images that are preprocessed already.</summary>
        public Result Run(ReadOnlySpan<float> values)
        {
            fixed (float* start = &MemoryMarshal.GetReference(values))
                return Run(start, values.Length);
        }

        /// <summary>Activations of a layer, into `destination`.</summary>
        public void Features(IReadOnlyList<Image> images, string layer, Span<float> destination)
        {
            fixed (float* start = &MemoryMarshal.GetReference(destination))
                Features(images, layer, start, destination.Length);
        }
#endif

        /// <summary>Accuracy over labelled pictures, whose classes are matched to the model's labels by name.</summary>
        /// <param name="data">The pictures.</param>
        /// <param name="crops">1 or 10.</param>
        /// <param name="progress">Called between batches with pictures done and pictures in all; what it throws comes out here.</param>
        /// <param name="token">Ends it with an <see cref="OperationCanceledException"/>.</param>
        public Evaluation Evaluate(Dataset data, int crops = 1, Action<long, long> progress = null,
            CancellationToken token = default(CancellationToken)) => Evaluate(new[] { this }, data, crops, progress, token);

        /// <summary>Accuracy of the mean answer of several sessions, whose models have the same labels.</summary>
        public static Evaluation Evaluate(IReadOnlyList<Session> sessions, Dataset data, int crops = 1,
            Action<long, long> progress = null, CancellationToken token = default(CancellationToken))
        {
            Native.CheckItems(sessions, nameof(sessions));
            if (data == null) throw new ArgumentNullException(nameof(data));
            using (var list = new HandleArray(sessions.Select(session => session.Handle).ToArray()))
            {
                HandleArray held = list;  // a using variable cannot go into a lambda's unsafe code
                return ProgressWatch.Evaluate(progress, token, (ProgressCallback callback, IntPtr user, out EvaluationHandle made) =>
                    Native.alexnet_session_evaluate(held.Addresses, sessions.Count, data.Handle, crops, callback, user, out made));
            }
        }

        /// <summary>Frees it; results stay.</summary>
        public void Dispose() => owned.Dispose();

        private static Image[] One(Image image)
        {
            if (image == null) throw new ArgumentNullException(nameof(image));
            return new[] { image };
        }

        private Result ClassifyMemory(byte* bytes, int size)
        {
            Native.Check(Native.alexnet_session_classify_memory(Handle, bytes, (UIntPtr)size, out ResultHandle result));
            return new Result(result);
        }

        private Result Run(float* values, long length)
        {
            if (length % imageSize != 0)
                throw new ArgumentException(length + " floats are no whole count of images of " + imageSize + ".", nameof(values));
            Native.Check(Native.alexnet_session_run_tensor(Handle, values, length / imageSize, out ResultHandle result));
            return new Result(result);
        }

        private void Features(IReadOnlyList<Image> images, string layer, float* values, long capacity)
        {
            using (HandleArray list = Image.Hold(images))
                Native.Check(Native.alexnet_session_features(Handle, list.Addresses, images.Count, Native.Utf8(layer, nameof(layer)),
                    values, capacity));
        }
    }
}
