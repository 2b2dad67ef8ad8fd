// Written by bindings/csharp/generate from include/alexnet/alexnet.h. Do not edit.
using System;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>What a function returns: one of the values below.</summary>
    public enum Status
    {
        /// <summary>ALEXNET_OK</summary>
        Ok = 0,
        /// <summary>The caller's value cannot be used</summary>
        InvalidArgument = 1,
        /// <summary>No file, network, layer or device of that name</summary>
        NotFound = 2,
        /// <summary>Reading or writing failed</summary>
        Io = 3,
        /// <summary>A file's content is damaged or of another kind</summary>
        BadFile = 4,
        /// <summary>Valid, but this build or machine cannot do it</summary>
        Unsupported = 5,
        /// <summary>Not now: the handle is at work, or this is a callback</summary>
        InvalidState = 6,
        /// <summary>ALEXNET_ERROR_OUT_OF_MEMORY</summary>
        OutOfMemory = 7,
        /// <summary>A device failed or cannot be used</summary>
        Device = 8,
        /// <summary>Stopped, as asked</summary>
        Cancelled = 9,
        /// <summary>A defect of this library</summary>
        Internal = 10,
    }

    /// <summary>How grave a line of the log is.</summary>
    public enum LogLevel
    {
        /// <summary>ALEXNET_LOG_DEBUG</summary>
        Debug = 0,
        /// <summary>ALEXNET_LOG_INFO</summary>
        Info = 1,
        /// <summary>ALEXNET_LOG_WARNING</summary>
        Warning = 2,
        /// <summary>ALEXNET_LOG_ERROR</summary>
        Error = 3,
    }

    /// <summary>What a session computes in, and how weights are stored. Which ones a device can compute in is its affair.</summary>
    public enum Precision
    {
        /// <summary>For alexnet_weights_convert alone</summary>
        AsStored = -1,
        /// <summary>ALEXNET_PRECISION_FP32</summary>
        Fp32 = 0,
        /// <summary>ALEXNET_PRECISION_FP16</summary>
        Fp16 = 1,
        /// <summary>ALEXNET_PRECISION_BF16</summary>
        Bf16 = 2,
        /// <summary>ALEXNET_PRECISION_INT8</summary>
        Int8 = 3,
        /// <summary>FP32 in memory, 10 bits in products; of GPUs, not of files</summary>
        Tf32 = 4,
    }

    /// <summary>What alexnet_memory_bytes tells of.</summary>
    public enum MemoryKind
    {
        /// <summary>Weights, gradients, optimizer and activations together</summary>
        Total = 0,
        /// <summary>Packed; once for all sessions of a model, device, precision</summary>
        Weights = 1,
        /// <summary>Training only; of those that exist at once</summary>
        Gradients = 2,
        /// <summary>Momentum; training only</summary>
        Optimizer = 3,
        /// <summary>Inputs, outputs, what backward needs, workspace; overlapping</summary>
        Activations = 4,
        /// <summary>Of the activations, the largest scratch area of one kernel</summary>
        Workspace = 5,
    }

    /// <summary>What a file may cost that is read, beyond what its own size explains; see alexnet_context_set_limit.</summary>
    public enum LimitKind
    {
        /// <summary>Of one picture; 134,217,728 (2^27) where not set</summary>
        Pixels = 0,
        /// <summary>Pixels of a JPEG times the scans that walk over them; 2^31</summary>
        ScanPixels = 1,
        /// <summary>Read at once: a picture's file, a set's file after unpacking; 2^30</summary>
        Bytes = 2,
        /// <summary>Values of a pickle, entries of a JSON text, tensors of a file; 2^20</summary>
        Items = 3,
        /// <summary>Lists and dictionaries inside each other; 64</summary>
        Depth = 4,
    }

    /// <summary>The bytes of one pixel, in this order. Alpha is not premultiplied and is laid over white.</summary>
    public enum PixelFormat
    {
        /// <summary>ALEXNET_PIXELS_RGB</summary>
        Rgb = 0,
        /// <summary>ALEXNET_PIXELS_BGR</summary>
        Bgr = 1,
        /// <summary>ALEXNET_PIXELS_GRAY</summary>
        Gray = 2,
        /// <summary>ALEXNET_PIXELS_RGBA</summary>
        Rgba = 3,
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void LogCallback(IntPtr user_data, LogLevel level, IntPtr line);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int ProgressCallback(IntPtr user_data, long done, long total);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate IntPtr AllocateCallback(IntPtr user_data, UIntPtr size, UIntPtr alignment);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void DeallocateCallback(IntPtr user_data, IntPtr memory, UIntPtr size, UIntPtr alignment);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void PartFunction(IntPtr task, long part);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void ParallelForCallback(IntPtr user_data, long parts, IntPtr run, IntPtr task);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void StepCallback(IntPtr user_data, IntPtr step);

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeStep
    {
        public long Size;
        public long Step;
        public long TotalSteps;
        public double Epoch;
        public double Loss;
        public double Accuracy;
        public double Rate;
        public double Seconds;
        public double Waited;
        public long Validated;
        public double ValidationLoss;
        public double ValidationTop1;
        public double ValidationTop5;
    }

    internal sealed class ContextHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_context_free(native);
    }

    internal sealed class ModelHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_model_free(native);
    }

    internal sealed class SessionOptionsHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_session_options_free(native);
    }

    internal sealed class SessionHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_session_free(native);
    }

    internal sealed class ImageHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_image_free(native);
    }

    internal sealed class ResultHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_result_free(native);
    }

    internal sealed class IndexHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_index_free(native);
    }

    internal sealed class NeighboursHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_neighbours_free(native);
    }

    internal sealed class EvaluationHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_evaluation_free(native);
    }

    internal sealed class MemoryHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_memory_free(native);
    }

    internal sealed class WeightsHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_weights_free(native);
    }

    internal sealed class DatasetHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_dataset_free(native);
    }

    internal sealed class TrainOptionsHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_train_options_free(native);
    }

    internal sealed class TrainerHandle : NativeHandle
    {
        protected override void Free(IntPtr native) => Native.alexnet_trainer_free(native);
    }

    internal static unsafe partial class Native
    {
        internal const int VersionMajor = 0;
        internal const int VersionMinor = 9;
        internal const int VersionPatch = 0;
        internal const int AbiVersion = 1;

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr alexnet_version();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern int alexnet_abi_version();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr alexnet_build_info();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr alexnet_status_name(Status status);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern IntPtr alexnet_last_error();

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_create(out ContextHandle context);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_set_threads(ContextHandle context, int threads);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_set_parallel_for(ContextHandle context, ParallelForCallback parallel_for, IntPtr user_data, int most_at_once);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_set_allocator(ContextHandle context, AllocateCallback allocate, DeallocateCallback deallocate, IntPtr user_data);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_set_memory_limit(ContextHandle context, long bytes);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_set_limit(ContextHandle context, LimitKind kind, long value);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_memory_in_use(ContextHandle context, out long bytes);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_set_log_callback(ContextHandle context, LogCallback callback, IntPtr user_data);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_context_free(IntPtr context);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_device_count(out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_device_name(long index, out IntPtr name);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_device_description(long index, out IntPtr description);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_device_probe(byte[] device);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_device_probe_precision(byte[] device, Precision precision, int training);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_device_self_test(byte[] device, out double difference);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_network_count(out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_network_name(long index, out IntPtr name);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_network_weights(byte[] network, out IntPtr path);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_open(ContextHandle context, byte[] file_or_name, byte[] network, out ModelHandle model);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_open_memory(ContextHandle context, void* bytes, UIntPtr size, byte[] network, out ModelHandle model);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_create(ContextHandle context, byte[] network, long classes, long side, ulong seed, out ModelHandle model);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_name(ModelHandle model, out IntPtr name);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_class_count(ModelHandle model, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_label(ModelHandle model, long class_index, out IntPtr label);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_input_size(ModelHandle model, out long height, out long width);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_input_json(ModelHandle model, out IntPtr json);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_preprocess(ModelHandle model, ImageHandle image, int crops, float* values, long capacity);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_self_test(ModelHandle model, byte[] device, out int tested, out double difference);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_parameter_count(ModelHandle model, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_layer_count(ModelHandle model, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_layer_name(ModelHandle model, long index, out IntPtr name, out IntPtr op);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_layer_shape(ModelHandle model, long index, out long channels, out long height, out long width);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_model_layer_cost(ModelHandle model, long index, out long parameters, out long multiply_adds);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_model_free(IntPtr model);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_options_create(out SessionOptionsHandle options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_options_set_device(SessionOptionsHandle options, byte[] device);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_options_set_threads(SessionOptionsHandle options, int threads);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_options_set_batch(SessionOptionsHandle options, long batch);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_options_set_precision(SessionOptionsHandle options, Precision precision);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_options_add_output(SessionOptionsHandle options, byte[] layer);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_session_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_plan_memory(ModelHandle model, SessionOptionsHandle options, out MemoryHandle memory);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_create(ModelHandle model, SessionOptionsHandle options, out SessionHandle session);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_classify_file(SessionHandle session, byte[] path, out ResultHandle result);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_classify_memory(SessionHandle session, void* bytes, UIntPtr size, out ResultHandle result);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_classify_images(SessionHandle session, IntPtr[] images, long count, int crops, out ResultHandle result);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_run_tensor(SessionHandle session, float* values, long count, out ResultHandle result);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_output_shape(SessionHandle session, byte[] layer, out long channels, out long height, out long width);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_features(SessionHandle session, IntPtr[] images, long count, byte[] layer, float* values, long capacity);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_evaluate(IntPtr[] sessions, long count, DatasetHandle data, int crops, ProgressCallback progress, IntPtr user_data, out EvaluationHandle evaluation);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_memory(SessionHandle session, out MemoryHandle memory);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_session_free(IntPtr session);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_result_count(ResultHandle result, out long images);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_result_top(ResultHandle result, long image, long rank, out long class_index, out IntPtr label, out float probability);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_result_probabilities(ResultHandle result, long image, out IntPtr probabilities, out long class_count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_result_features(ResultHandle result, long image, byte[] layer, out IntPtr values, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_result_free(IntPtr result);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_index_create(SessionHandle session, byte[] layer, byte[] pictures, byte[] path, ProgressCallback progress, IntPtr user_data, out long written, out long broken);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_index_open(ContextHandle context, byte[] path, out IndexHandle index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_index_size(IndexHandle index, out long pictures, out long numbers);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_index_layer(IndexHandle index, out IntPtr layer);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_index_search(IndexHandle index, SessionHandle session, ImageHandle image, long most, out NeighboursHandle neighbours);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_index_search_features(IndexHandle index, float* features, long numbers, long most, out NeighboursHandle neighbours);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_neighbours_count(NeighboursHandle neighbours, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_neighbours_get(NeighboursHandle neighbours, long rank, out long picture, out IntPtr path, out double distance);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_neighbours_free(IntPtr neighbours);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_index_free(IntPtr index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_evaluation_counts(EvaluationHandle evaluation, out long images, out long broken);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_evaluation_rates(EvaluationHandle evaluation, out double top1, out double top5, out double loss);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_evaluation_class_count(EvaluationHandle evaluation, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_evaluation_label(EvaluationHandle evaluation, long class_index, out IntPtr label);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_evaluation_confusion(EvaluationHandle evaluation, long truth, long answer, out long images);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_evaluation_free(IntPtr evaluation);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_memory_device_count(MemoryHandle memory, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_memory_bytes(MemoryHandle memory, long device, MemoryKind kind, out long bytes);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_memory_free(IntPtr memory);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_image_create(out ImageHandle image);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_image_set_pixels(ImageHandle image, byte* pixels, long width, long height, long stride, PixelFormat format);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_image_from_file(byte[] path, out ImageHandle image);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_image_from_memory(void* bytes, UIntPtr size, out ImageHandle image);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_image_size(ImageHandle image, out long width, out long height);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_image_pixels(ImageHandle image, out IntPtr pixels);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_image_free(IntPtr image);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_weights_open(byte[] path, out WeightsHandle weights);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_weights_tensor_count(WeightsHandle weights, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_weights_tensor(WeightsHandle weights, long index, out IntPtr name, out IntPtr type, out IntPtr dimensions, out long rank);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_weights_read(WeightsHandle weights, byte[] tensor, float* values, long capacity);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_weights_metadata(WeightsHandle weights, byte[] key, out IntPtr value);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_weights_free(IntPtr weights);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_weights_verify(byte[] path, byte[] device, out int self_tested, out double difference);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_weights_convert(byte[] from, byte[] to, byte[] network, Precision precision, int plain);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_dataset_open(byte[] folder, byte[] part, out DatasetHandle data);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_dataset_create(IntPtr[] class_names, long count, out DatasetHandle data);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_dataset_add(DatasetHandle data, ImageHandle image, long class_index);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_dataset_size(DatasetHandle data, out long images);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_dataset_class_count(DatasetHandle data, out long count);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_dataset_class_name(DatasetHandle data, long class_index, out IntPtr name);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_dataset_free(IntPtr data);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_create(out TrainOptionsHandle options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_epochs(TrainOptionsHandle options, long epochs);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_batch(TrainOptionsHandle options, long batch);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_learning_rate(TrainOptionsHandle options, double rate);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_momentum(TrainOptionsHandle options, double momentum);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_weight_decay(TrainOptionsHandle options, double decay);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_schedule(TrainOptionsHandle options, byte[] schedule);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_seed(TrainOptionsHandle options, ulong seed);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_device(TrainOptionsHandle options, byte[] device);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_threads(TrainOptionsHandle options, int threads);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_precision(TrainOptionsHandle options, Precision precision);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_parallelism(TrainOptionsHandle options, byte[] parallelism);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_data_threads(TrainOptionsHandle options, int threads);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_augmentation(TrainOptionsHandle options, int random_crop, int flip, long pad);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_color_noise(TrainOptionsHandle options, double deviation);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_mean(TrainOptionsHandle options, byte[] mean);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_label_smoothing(TrainOptionsHandle options, double smoothing);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_class_weights(TrainOptionsHandle options, byte[] weights);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_dropout(TrainOptionsHandle options, int enabled);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_initial_weights(TrainOptionsHandle options, byte[] path);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_new_head(TrainOptionsHandle options, int enabled);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_freeze(TrainOptionsHandle options, byte[] layers);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_layer_rate(TrainOptionsHandle options, byte[] layer, double factor);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_input_size(TrainOptionsHandle options, long side);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_validation(TrainOptionsHandle options, DatasetHandle data);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_train_options_set_validation_share(TrainOptionsHandle options, double share);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern void alexnet_train_options_free(IntPtr options);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_create(ContextHandle context, byte[] network, DatasetHandle data, TrainOptionsHandle options, out TrainerHandle trainer);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_plan_memory(ContextHandle context, byte[] network, long classes, TrainOptionsHandle options, out MemoryHandle memory);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_resume(ContextHandle context, byte[] checkpoint, DatasetHandle data, TrainOptionsHandle options, out TrainerHandle trainer);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_set_step_callback(TrainerHandle trainer, StepCallback callback, IntPtr user_data);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_set_checkpoint(TrainerHandle trainer, byte[] path, long every);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_set_checkpoint_minutes(TrainerHandle trainer, double minutes);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_set_best(TrainerHandle trainer, byte[] path);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_step(TrainerHandle trainer, out double loss, out double accuracy);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_run(TrainerHandle trainer, long steps);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_cancel(TrainerHandle trainer);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_progress(TrainerHandle trainer, out long steps_done, out long total_steps, out long steps_per_epoch);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_save_checkpoint(TrainerHandle trainer, byte[] path);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_save_weights(TrainerHandle trainer, byte[] path, Precision precision);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_evaluate(TrainerHandle trainer, DatasetHandle data, int crops, ProgressCallback progress, IntPtr user_data, out EvaluationHandle evaluation);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_memory(TrainerHandle trainer, out MemoryHandle memory);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_model(TrainerHandle trainer, out ModelHandle model);

        [DllImport(Name, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern Status alexnet_trainer_free(IntPtr trainer);
    }
}
