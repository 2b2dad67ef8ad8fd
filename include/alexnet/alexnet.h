/// @file
/// libalexnet: trains and runs the AlexNet family. This is the whole C interface (C99).
///
/// A complete program. It names what is in a picture, with the weights that come with the library:
///
///   @code{.c}
///   #include <alexnet/alexnet.h>
///   #include <stdio.h>
///
///   int main(int argc, char** argv) {
///     alexnet_model* model = NULL;
///     alexnet_session* session = NULL;
///     alexnet_result* result = NULL;
///     const char* label;
///     float probability;
///     const int ok = alexnet_model_open(NULL, NULL, NULL, &model) == ALEXNET_OK &&
///                    alexnet_session_create(model, NULL, &session) == ALEXNET_OK &&
///                    alexnet_session_classify_file(session, argc > 1 ? argv[1] : "cat.jpg",
///                                                  &result) == ALEXNET_OK &&
///                    alexnet_result_top(result, 0, 0, NULL, &label, &probability) == ALEXNET_OK;
///     if (ok)
///       printf("%s: %.1f %%\n", label, 100.0 * probability);
///     else
///       fprintf(stderr, "%s\n", alexnet_last_error());
///     alexnet_result_free(result);
///     alexnet_session_free(session);
///     alexnet_model_free(model);
///     return ok ? 0 : 1;
///   }
///   @endcode
///
/// Rules for every function
///   - Status     What can fail returns alexnet_status. On failure no out-parameter is touched, and
///                alexnet_last_error() says in words what went wrong. Codes may be added: any value
///                but ALEXNET_OK means failed.
///   - Everywhere Four codes can come from any function: ALEXNET_ERROR_INVALID_ARGUMENT (a NULL
///                where none is allowed, or a value that cannot be used; the text names the
///                argument), ALEXNET_ERROR_OUT_OF_MEMORY, ALEXNET_ERROR_INVALID_STATE inside a
///                callback, and ALEXNET_ERROR_INTERNAL (a defect of this library). "Statuses" lists
///                the others; a function without that line returns no others. "NULL: not wanted"
///                marks out-parameters that may be NULL. After any failure the handles are as
///                before and the next call works.
///   - Handles    Every object is freed by its own _free, in any order: what is made from another
///                keeps that one alive. Every _free takes NULL. A pointer that a handle gave (text,
///                numbers) lives as long as that handle.
///   - Text       UTF-8, zero-terminated, paths too, on every system. Nothing is ever printed.
///   - Threads    Every function may be called from any thread. Models, results, evaluations,
///                memory reports, weight files and data sets never change: any number of threads
///                may read one. An image may be read by several threads while none sets it. An
///                options object, a session and a trainer serve one thread at a time; a session or
///                trainer that is at work answers a second thread with ALEXNET_ERROR_INVALID_STATE.
///                Different handles are independent. No handle may be freed while another thread
///                uses it. Whatever floating-point mode a thread has (rounding, subnormal numbers,
///                traps), the library computes in the default one and gives the thread its own back
///                when it returns; callbacks run in the default one.
///   - Callbacks  Called on the thread that does the work, with the user_data they were given. They
///                must return: no exception and no longjmp may leave one. Inside one, only
///                alexnet_trainer_cancel and _progress, alexnet_status_name, alexnet_last_error and
///                the version functions may be called: the others give ALEXNET_ERROR_INVALID_STATE,
///                the _free of contexts, sessions and trainers too, and free nothing then. None
///                fires after the call that removed it has returned.
///   - Buffers    Where a function fills the caller's array, the array is followed by its capacity
///                in elements.
///   - Numbers    Counts, sizes and indices are int64_t, indices start at 0, rates and
///                probabilities are fractions.
///   - Devices    "cpu", "reference" (plain loops, to check others against), "cuda:0", or several
///                with commas: "cuda:0,cuda:1" runs the two towers of the 2012 network on two GPUs.
///                A named device that cannot be used is an error; nothing falls back silently.
///   - Memory     Weights, activations and workspaces come from the context's allocator, all else
///                from malloc and new.

#ifndef ALEXNET_ALEXNET_H_
#define ALEXNET_ALEXNET_H_

#include <stddef.h>
#include <stdint.h>

/// Of this header, as numbers; alexnet_version() gives the library's.
#define ALEXNET_VERSION_MAJOR 0
/// @copydoc ALEXNET_VERSION_MAJOR
#define ALEXNET_VERSION_MINOR 9
/// @copydoc ALEXNET_VERSION_MAJOR
#define ALEXNET_VERSION_PATCH 0
/// Rises when a program must be compiled again; it is the number in libalexnet.so.N.
#define ALEXNET_ABI_VERSION 1

// Define ALEXNET_STATIC where the static library is linked; alexnet's CMake target and pkg-config
// file do it.
#if defined(_WIN32)
#define ALEXNET_CALL __cdecl
#if defined(ALEXNET_STATIC)
#define ALEXNET_API(type) type ALEXNET_CALL
#elif defined(ALEXNET_BUILDING)
#define ALEXNET_API(type) __declspec(dllexport) type ALEXNET_CALL
#else
#define ALEXNET_API(type) __declspec(dllimport) type ALEXNET_CALL
#endif
#else
/// Calling convention of functions and callbacks.
#define ALEXNET_CALL
#if defined(ALEXNET_STATIC)
#define ALEXNET_API(type) type
#else
/// What stands before each function: its visibility and its type.
#define ALEXNET_API(type) __attribute__((visibility("default"))) type
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

// ------------------------------------------------------------------------------------------------
/// @name Types
/// @{

/// What a function returns: one of the values below.
typedef int32_t alexnet_status;
enum {
  ALEXNET_OK = 0,
  ALEXNET_ERROR_INVALID_ARGUMENT = 1,  ///< the caller's value cannot be used
  ALEXNET_ERROR_NOT_FOUND = 2,         ///< no file, network, layer or device of that name
  ALEXNET_ERROR_IO = 3,                ///< reading or writing failed
  ALEXNET_ERROR_BAD_FILE = 4,          ///< a file's content is damaged or of another kind
  ALEXNET_ERROR_UNSUPPORTED = 5,       ///< valid, but this build or machine cannot do it
  ALEXNET_ERROR_INVALID_STATE = 6,     ///< not now: the handle is at work, or this is a callback
  ALEXNET_ERROR_OUT_OF_MEMORY = 7,
  ALEXNET_ERROR_DEVICE = 8,     ///< a device failed or cannot be used
  ALEXNET_ERROR_CANCELLED = 9,  ///< stopped, as asked
  ALEXNET_ERROR_INTERNAL = 10   ///< a defect of this library
};

/// How grave a line of the log is.
typedef int32_t alexnet_log_level;
enum {
  ALEXNET_LOG_DEBUG = 0,
  ALEXNET_LOG_INFO = 1,
  ALEXNET_LOG_WARNING = 2,
  ALEXNET_LOG_ERROR = 3
};

/// What a session computes in, and how weights are stored. Which ones a device can compute in is
/// its affair.
typedef int32_t alexnet_precision;
enum {
  ALEXNET_PRECISION_AS_STORED = -1,  ///< for alexnet_weights_convert alone
  ALEXNET_PRECISION_FP32 = 0,
  ALEXNET_PRECISION_FP16 = 1,
  ALEXNET_PRECISION_BF16 = 2,
  ALEXNET_PRECISION_INT8 = 3,
  ALEXNET_PRECISION_TF32 = 4  ///< FP32 in memory, 10 bits in products; of GPUs, not of files
};

/// What alexnet_memory_bytes tells of.
typedef int32_t alexnet_memory_kind;
enum {
  ALEXNET_MEMORY_TOTAL = 0,        ///< weights, gradients, optimizer and activations together
  ALEXNET_MEMORY_WEIGHTS = 1,      ///< packed; once for all sessions of a model, device, precision
  ALEXNET_MEMORY_GRADIENTS = 2,    ///< training only; of those that exist at once
  ALEXNET_MEMORY_OPTIMIZER = 3,    ///< momentum; training only
  ALEXNET_MEMORY_ACTIVATIONS = 4,  ///< inputs, outputs, what backward needs, workspace; overlapping
  ALEXNET_MEMORY_WORKSPACE = 5     ///< of the activations, the largest scratch area of one kernel
};

/// What a file may cost that is read, beyond what its own size explains; see
/// alexnet_context_set_limit.
typedef int32_t alexnet_limit_kind;
enum {
  ALEXNET_LIMIT_PIXELS = 0,       ///< of one picture; 134,217,728 (2^27) where not set
  ALEXNET_LIMIT_SCAN_PIXELS = 1,  ///< pixels of a JPEG times the scans that walk over them; 2^31
  ALEXNET_LIMIT_BYTES = 2,  ///< read at once: a picture's file, a set's file after unpacking; 2^30
  ALEXNET_LIMIT_ITEMS = 3,  ///< values of a pickle, entries of a JSON text, tensors of a file; 2^20
  ALEXNET_LIMIT_DEPTH = 4   ///< lists and dictionaries inside each other; 64
};

/// The bytes of one pixel, in this order. Alpha is not premultiplied and is laid over white.
typedef int32_t alexnet_pixel_format;
enum {
  ALEXNET_PIXELS_RGB = 0,
  ALEXNET_PIXELS_BGR = 1,
  ALEXNET_PIXELS_GRAY = 2,
  ALEXNET_PIXELS_RGBA = 3
};

typedef struct alexnet_context alexnet_context;  ///< log callback, threads, allocator, memory limit
typedef struct alexnet_model alexnet_model;      ///< network, weights, preprocessing and labels
typedef struct alexnet_session_options alexnet_session_options;  ///< how a session shall run
typedef struct alexnet_session alexnet_session;  ///< a model bound to devices, batch and precision
typedef struct alexnet_image alexnet_image;      ///< a picture
typedef struct alexnet_result alexnet_result;    ///< probabilities of one or more images
typedef struct alexnet_index alexnet_index;      ///< features of pictures, to search in
typedef struct alexnet_neighbours alexnet_neighbours;  ///< what a search has found
typedef struct alexnet_evaluation alexnet_evaluation;  ///< accuracy over labelled pictures
typedef struct alexnet_memory alexnet_memory;          ///< bytes that a session or trainer takes
typedef struct alexnet_weights alexnet_weights;  ///< an opened weight file, whatever its network
typedef struct alexnet_dataset alexnet_dataset;  ///< labelled pictures
typedef struct alexnet_train_options alexnet_train_options;  ///< how a trainer shall run
typedef struct alexnet_trainer alexnet_trainer;              ///< a network that learns

/// One line of the log, without line end. `line` lives until the callback returns.
typedef void(ALEXNET_CALL* alexnet_log_callback)(void* user_data, alexnet_log_level level,
                                                 const char* line);

/// How far long work has come. Nonzero stops it.
typedef int32_t(ALEXNET_CALL* alexnet_progress_callback)(void* user_data, int64_t done,
                                                         int64_t total);

/// Gives `size` bytes (1 or more) at a multiple of `alignment` (a power of two from 16 to 64), or
/// NULL where there are none; they need not be zero. Called from any thread that works or frees,
/// several at once, like the next.
typedef void*(ALEXNET_CALL* alexnet_allocate_callback)(void* user_data, size_t size,
                                                       size_t alignment);

/// Takes back what alexnet_allocate_callback gave, with the same numbers.
typedef void(ALEXNET_CALL* alexnet_deallocate_callback)(void* user_data, void* memory, size_t size,
                                                        size_t alignment);

/// Does one part of a loop of the library's; what an alexnet_parallel_for_callback calls.
typedef void(ALEXNET_CALL* alexnet_part_function)(void* task, int64_t part);

/// Runs a loop on the program's own threads: calls run(task, part) exactly once for each `part` in
/// 0..parts-1, in any order, on any threads, this one too, several at once where it can, and
/// returns when all of these calls have returned. `parts` is 2 or more. No part waits for another.
typedef void(ALEXNET_CALL* alexnet_parallel_for_callback)(void* user_data, int64_t parts,
                                                          alexnet_part_function run, void* task);

/// A training step that has been made. The library fills it; newer ones append members, so never
/// copy more than `size` bytes of it, and read a member that your header has and an older library
/// may lack only where `size` reaches it.
typedef struct alexnet_step {
  int64_t size;         ///< bytes of this structure that the library filled
  int64_t step;         ///< steps made, this one included
  int64_t total_steps;  ///< of all epochs
  double epoch;         ///< epochs made, fractional
  double loss;          ///< mean over the batch, before its update
  double accuracy;      ///< fraction of right answers over the batch, before its update
  double rate;          ///< the learning rate it used
  double seconds;       ///< it took
  double waited;        ///< of these, seconds it waited for pictures
  int64_t validated;    ///< 1: this step ended an epoch, and the next three are of the validation
                        ///< data after it; 0: they are 0
  double validation_loss;  ///< mean of -log(probability of the true class)
  double validation_top1;  ///< fraction of right answers
  double validation_top5;  ///< fraction of pictures whose class is among the first five answers
} alexnet_step;

/// After each step, of alexnet_trainer_step as of alexnet_trainer_run; in the latter after the
/// validation too that follows the last step of an epoch. `step` lives until the callback returns.
typedef void(ALEXNET_CALL* alexnet_step_callback)(void* user_data, const alexnet_step* step);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Version and errors
/// These functions cannot fail, may be called inside callbacks, and what they return needs no
/// freeing.
/// @{

/// "1.2.3". Compare with ALEXNET_VERSION_* to see whether header and library belong together.
ALEXNET_API(const char*) alexnet_version(void);

/// ALEXNET_ABI_VERSION of the library that is loaded.
ALEXNET_API(int32_t) alexnet_abi_version(void);

/// One line for bug reports: version, compiler, and which of oneDNN, pictures, OpenCV and plots are built.
/// What the machine has, GPUs too, alexnet_device_description says.
ALEXNET_API(const char*) alexnet_build_info(void);

/// "ALEXNET_ERROR_NOT_FOUND"; "unknown status" for a value that this library does not know.
ALEXNET_API(const char*) alexnet_status_name(alexnet_status status);

/// The text of this thread's last error, "" before the first. It stays until this thread's next
/// failing call: copy it to keep it.
ALEXNET_API(const char*) alexnet_last_error(void);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Context
/// Most programs need none: wherever a context is asked for, NULL means the default one, which
/// always exists.
/// @{

/// Makes a context of its own, silent and with every core. Free it with alexnet_context_free.
ALEXNET_API(alexnet_status) alexnet_context_create(alexnet_context** context);

/// Threads that each session and each trainer of this context computes with where its options do
/// not say: 0 (as at first) means all cores that the process may use, at most 4096. Those that
/// exist keep theirs. Where several sessions work at once, give each its share. NULL as the context
/// of this and the next setters changes the default one, which every part of the program shares.
ALEXNET_API(alexnet_status) alexnet_context_set_threads(alexnet_context* context, int32_t threads);

/// Sessions and trainers that are made later compute on the CPU with threads that the program has,
/// and with none of the library's: on the calling thread, and through `parallel_for`, called on it,
/// where there is work for several. NULL: the library's own, as at first. `most_at_once`, 1..4096
/// (not looked at with NULL): how many parts the program runs at once; no call has more. A smaller
/// number of threads in options, or of the context, takes its place. The answer is the same to the
/// last bit whoever runs the parts. Within a part nothing is asked of `parallel_for` again. While
/// it waits, the calling thread may run nothing of the program's that calls this library: such
/// calls fail, as in all callbacks (oneTBB: this_task_arena::isolate). One that returned before all
/// parts had run, or ran one twice, makes the call that needed them fail with INVALID_STATE; what
/// that computed is lost. Several sessions at work call it at once. It and `user_data` must work
/// until everything made in this context is freed. Threads that read pictures stay the library's.
ALEXNET_API(alexnet_status)
alexnet_context_set_parallel_for(alexnet_context* context,
                                 alexnet_parallel_for_callback parallel_for, void* user_data,
                                 int32_t most_at_once);

/// Where tensors in host memory come from: weights, activations and workspaces of sessions and
/// trainers that are made later; NULL for both functions: malloc's kin, as at first. What was
/// allocated goes back to the pair that gave it, so both functions and `user_data` must work until
/// everything made in this context is freed.
ALEXNET_API(alexnet_status)
alexnet_context_set_allocator(alexnet_context* context, alexnet_allocate_callback allocate,
                              alexnet_deallocate_callback deallocate, void* user_data);

/// At most so many bytes of tensors in host memory for all sessions and trainers of this context
/// together; what would take more fails with OUT_OF_MEMORY. 0: no limit, as at first. Holds for
/// what is allocated later.
ALEXNET_API(alexnet_status)
alexnet_context_set_memory_limit(alexnet_context* context, int64_t bytes);

/// What files may cost that are read for this context: by models, their sessions, and trainers,
/// when they are made; data sets, pictures, weight files, conversions and verifications, which have
/// none, go by the default context. A file over a limit is refused with BAD_FILE or UNSUPPORTED
/// before it has cost so much. `value` 0: the usual limit.
ALEXNET_API(alexnet_status)
alexnet_context_set_limit(alexnet_context* context, alexnet_limit_kind kind, int64_t value);

/// Bytes of tensors in host memory that sessions and trainers of this context have now.
ALEXNET_API(alexnet_status) alexnet_context_memory_in_use(alexnet_context* context, int64_t* bytes);

/// Sets the function that gets the library's log lines; NULL removes it. Every context with a
/// callback gets every line. INFO: files opened and written, sessions and trainings begun; WARNING:
/// a picture that is skipped, a run that goes on with another plan. Calls come from several threads
/// at once where several work. When this returns, the old callback is in no call and gets none any
/// more, so it waits for calls in flight: hold no lock that the callback takes.
ALEXNET_API(alexnet_status)
alexnet_context_set_log_callback(alexnet_context* context, alexnet_log_callback callback,
                                 void* user_data);

/// Removes the log callback, as above, and frees; NULL is allowed. Models and all else made in the
/// context stay usable. Inside a callback nothing is freed.
ALEXNET_API(alexnet_status) alexnet_context_free(alexnet_context* context);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Devices
/// Of this build and machine, found once in the process. The texts live as long as the library.
/// @{

/// How many this build knows, usable or not.
ALEXNET_API(alexnet_status) alexnet_device_count(int64_t* count);

/// The name that other functions take: "cpu", "cuda:0".
ALEXNET_API(alexnet_status) alexnet_device_name(int64_t index, const char** name);

/// For people: processor, threads, library versions; for a device that cannot be used, why.
ALEXNET_API(alexnet_status) alexnet_device_description(int64_t index, const char** description);

/// Whether a device can be used, by name; several with commas. OK: yes. Otherwise
/// alexnet_last_error() says why not. Statuses: NOT_FOUND (no such name; the text lists the names),
/// DEVICE (why it cannot be used).
ALEXNET_API(alexnet_status) alexnet_device_probe(const char* device);

/// Whether a device computes in a precision, or where `training` is not 0, trains in it; by name,
/// of several with commas each one. OK: yes. Statuses: as alexnet_device_probe; UNSUPPORTED (no;
/// the text says what it takes).
ALEXNET_API(alexnet_status)
alexnet_device_probe_precision(const char* device, alexnet_precision precision, int32_t training);

/// Whether a device computes right on this machine: one training step of a small network, on the
/// device and by the plain loops of "reference". `difference` (NULL: not wanted): the largest
/// relative difference of the answer and of any gradient; below 1e-5 in fp32. Takes well under a
/// second. Statuses: NOT_FOUND, DEVICE (it computes wrong, or cannot be used).
ALEXNET_API(alexnet_status) alexnet_device_self_test(const char* device, double* difference);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Networks
/// Weights can be loaded for those of the zoo by name, and they can be trained. Where a function
/// takes a `network`, it is a name of the zoo, the path of a spec file, or, where the text begins
/// with a brace, the spec itself: a JSON document that names every layer, as `alexnet info NAME
/// --spec` prints it and docs/networks.md explains. A name of the zoo always means ours: write
/// "./alexnet" for a file called so. A spec that bears such a name and is another network is
/// BAD_FILE, as all else that is wrong with one, with the node and what was expected in
/// alexnet_last_error; over its 2 MB, its 4096 nodes or a limit of the context it is UNSUPPORTED.
/// @{

/// How many there are.
ALEXNET_API(alexnet_status) alexnet_network_count(int64_t* count);

/// "alexnet-2012", "alexnet", ...: `index` in 0..count-1. The name lives as long as the library.
ALEXNET_API(alexnet_status) alexnet_network_name(int64_t index, const char** name);

/// The weight file that comes with the library for this network, by its name in the zoo:
/// "alexnet-cifar10" has one. Functions that take a weight file or such a name find it by
/// themselves. The text lives as long as the library. Statuses: NOT_FOUND (no such network, none
/// comes with the library, or it is in none of the places where it is looked for, which
/// alexnet_last_error names).
ALEXNET_API(alexnet_status) alexnet_network_weights(const char* network, const char** path);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Model
/// Network, weights, preprocessing and labels. It never changes.
/// @{

/// Opens a weight file, of this library (.safetensors, a checkpoint too), plain safetensors, or
/// torchvision's .pth.
///   context        NULL: the default one.
///   file_or_name   a path, or the name of a network whose weights come with the library; NULL:
///                  "alexnet-cifar10".
///   network        the network to read a file into that does not say it; NULL: what the file says
///                  or carries, or what its tensors fit.
///   model          the new model; free it with alexnet_model_free.
/// Sizes are checked here; weights are read, and their checksums checked, when a session is made;
/// alexnet_weights_verify checks all at once. The name of a network always means the library's own,
/// whatever lies in the working directory: write "./alexnet-cifar10" for a file called so. Bundled
/// weights are looked for in share/alexnet beside the lib or bin folder of the library and of the
/// program, in those folders themselves, in the prefix it was built for, and in share/alexnet of
/// XDG_DATA_HOME and XDG_DATA_DIRS. The file stays mapped while the model lives: replace it by
/// renaming another over it, and never write into it, or the system ends the program. Statuses:
/// NOT_FOUND, IO, BAD_FILE, INVALID_ARGUMENT (the file says another network), UNSUPPORTED (made by
/// a newer library, or over a limit of the context).
ALEXNET_API(alexnet_status)
alexnet_model_open(alexnet_context* context, const char* file_or_name, const char* network,
                   alexnet_model** model);

/// The same from the bytes of such a file, which are copied. Statuses: BAD_FILE, UNSUPPORTED.
ALEXNET_API(alexnet_status)
alexnet_model_open_memory(alexnet_context* context, const void* bytes, size_t size,
                          const char* network, alexnet_model** model);

/// A network (name, spec file or its text) with weights drawn from `seed` by its own rules, to
/// measure or to try things out. `classes` and `side` (of the square input, in pixels): 0 for the
/// network's own. Free with alexnet_model_free. Statuses: NOT_FOUND (network), INVALID_ARGUMENT (a
/// size that cannot work), IO, BAD_FILE and UNSUPPORTED (the spec).
ALEXNET_API(alexnet_status)
alexnet_model_create(alexnet_context* context, const char* network, int64_t classes, int64_t side,
                     uint64_t seed, alexnet_model** model);

/// The name of its network: of the zoo, or what its spec says.
ALEXNET_API(alexnet_status) alexnet_model_name(const alexnet_model* model, const char** name);

/// How many classes it tells apart.
ALEXNET_API(alexnet_status) alexnet_model_class_count(const alexnet_model* model, int64_t* count);

/// The name of a class, in 0..count-1.
ALEXNET_API(alexnet_status)
alexnet_model_label(const alexnet_model* model, int64_t class_index, const char** label);

/// Height and width in pixels of what the network reads: tensors are (images, 3, height, width).
/// NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_model_input_size(const alexnet_model* model, int64_t* height, int64_t* width);

/// How a picture becomes what the network reads, as the JSON of a weight file's "alexnet.input":
/// size, channel order, scale, mean, std, resize and crop.
ALEXNET_API(alexnet_status) alexnet_model_input_json(const alexnet_model* model, const char** json);

/// What the network reads for a picture, into `values`: (crops, 3, height, width) floats, dense.
/// `crops`: 1, the centre, or 10. `capacity` is the number of floats that `values` can hold; fewer
/// than needed gives INVALID_ARGUMENT with both numbers.
ALEXNET_API(alexnet_status)
alexnet_model_preprocess(const alexnet_model* model, const alexnet_image* image, int32_t crops,
                         float* values, int64_t capacity);

/// Computes the self-test that a weight file may hold again, on `device` (NULL: "cpu"): whether
/// these weights answer here as they did where they were made. `tested`: 0 where the file has none.
/// `difference`: how far the probabilities were off at most. NULL: not wanted. Statuses: BAD_FILE
/// (they differ, or a tensor is damaged), NOT_FOUND (device), IO, DEVICE.
ALEXNET_API(alexnet_status)
alexnet_model_self_test(const alexnet_model* model, const char* device, int32_t* tested,
                        double* difference);

/// How many numbers were learnt.
ALEXNET_API(alexnet_status)
alexnet_model_parameter_count(const alexnet_model* model, int64_t* count);

/// Layers in the order they run. `index` lies in 0..count-1.
ALEXNET_API(alexnet_status) alexnet_model_layer_count(const alexnet_model* model, int64_t* count);

/// Name and kind of a layer: "conv", "linear", "relu", "tanh", "lrn", "max_pool", "avg_pool",
/// "adaptive_avg_pool", "dropout", "concat", "flatten", "softmax"; newer libraries may have others.
/// NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_model_layer_name(const alexnet_model* model, int64_t index, const char** name,
                         const char** op);

/// Its output for one image; height and width are 1 behind a fully connected layer. NULL: not
/// wanted.
ALEXNET_API(alexnet_status)
alexnet_model_layer_shape(const alexnet_model* model, int64_t index, int64_t* channels,
                          int64_t* height, int64_t* width);

/// Its learnt numbers, and multiply-adds for one image. NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_model_layer_cost(const alexnet_model* model, int64_t index, int64_t* parameters,
                         int64_t* multiply_adds);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_model_free(alexnet_model* model);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Session options
/// Setters copy what they are given. What depends on machine or model is checked when a session is
/// made.
/// @{

/// Everything at its default: "cpu", the context's threads, batch 1, fp32, no outputs. Free with
/// alexnet_session_options_free; sessions made with it do not need it.
ALEXNET_API(alexnet_status) alexnet_session_options_create(alexnet_session_options** options);

/// Device names, see the top of this file.
ALEXNET_API(alexnet_status)
alexnet_session_options_set_device(alexnet_session_options* options, const char* device);

/// Threads of CPU devices: 0..4096; 0 means the context's.
ALEXNET_API(alexnet_status)
alexnet_session_options_set_threads(alexnet_session_options* options, int32_t threads);

/// Images computed in one go: 1..65536. More are faster each and take more memory. Any number of
/// images can be given to any session. On CPUs no bit of an answer depends on it; on GPUs sessions
/// with different batches agree within rounding.
ALEXNET_API(alexnet_status)
alexnet_session_options_set_batch(alexnet_session_options* options, int64_t batch);

/// What is computed in. Which precisions there are is the device's affair, which
/// alexnet_device_probe_precision tells.
ALEXNET_API(alexnet_status)
alexnet_session_options_set_precision(alexnet_session_options* options,
                                      alexnet_precision precision);

/// A layer whose activations alexnet_session_features and alexnet_result_features shall give:
/// "fc7", "conv5", or a name of alexnet_model_layer_name.
ALEXNET_API(alexnet_status)
alexnet_session_options_add_output(alexnet_session_options* options, const char* layer);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_session_options_free(alexnet_session_options* options);

/// What a session with these options would take, before it is made; `options` NULL: the defaults.
/// Free `memory` with alexnet_memory_free. Statuses: NOT_FOUND (device, layer), DEVICE, UNSUPPORTED
/// (precision).
ALEXNET_API(alexnet_status)
alexnet_session_plan_memory(const alexnet_model* model, const alexnet_session_options* options,
                            alexnet_memory** memory);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Session
/// One thread at a time. A thread that finds it at work gets INVALID_STATE.
/// @{

/// Binds a model to devices, loads its weights and places its memory; `options` NULL: the defaults.
/// The session keeps the model alive. Free with alexnet_session_free. Statuses: NOT_FOUND (device,
/// layer), DEVICE, UNSUPPORTED (precision), BAD_FILE (a damaged tensor, by name), IO.
ALEXNET_API(alexnet_status)
alexnet_session_create(const alexnet_model* model, const alexnet_session_options* options,
                       alexnet_session** session);

/// Classifies the picture in a file: JPEG, PNG, WebP, BMP, GIF or TIFF, by the centre crop. `result` holds one
/// image; free it with alexnet_result_free. Statuses: NOT_FOUND, IO, BAD_FILE (no picture, or no
/// finite answer), UNSUPPORTED (built without picture reading), DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_classify_file(alexnet_session* session, const char* path, alexnet_result** result);

/// The same for the bytes of such a file. Statuses: BAD_FILE, UNSUPPORTED, DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_classify_memory(alexnet_session* session, const void* bytes, size_t size,
                                alexnet_result** result);

/// Classifies `count` pictures (1 or more); `result` holds them in the same order. `crops`: 1, the
/// centre, or 10, the mean over corners, centre and their mirror images (the paper, section 4.1).
/// Statuses: BAD_FILE (no finite answer), DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_classify_images(alexnet_session* session, const alexnet_image* const* images,
                                int64_t count, int32_t crops, alexnet_result** result);

/// Runs on `count` images (1 or more) that are preprocessed already: `values` holds count * 3 *
/// height * width floats, (images, channels, height, width), dense, in the channel order, scale and
/// mean of the model, all finite. Statuses: BAD_FILE (no finite answer), DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_run_tensor(alexnet_session* session, const float* values, int64_t count,
                           alexnet_result** result);

/// Size of a layer's activations for one image; the layer must be among the outputs of the
/// session's options. Height and width are 1 behind a fully connected layer. NULL: not wanted.
/// Statuses: NOT_FOUND, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_output_shape(alexnet_session* session, const char* layer, int64_t* channels,
                             int64_t* height, int64_t* width);

/// Activations of a layer for the centre crops of `count` pictures, into `values`: (images,
/// channels, height, width), dense. `capacity` is the number of floats that `values` can hold;
/// fewer than needed gives INVALID_ARGUMENT with both numbers. Statuses: NOT_FOUND (layer), DEVICE,
/// INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_features(alexnet_session* session, const alexnet_image* const* images,
                         int64_t count, const char* layer, float* values, int64_t capacity);

/// Accuracy over labelled pictures, whose classes are matched to the model's labels by name
/// (ImageNet's synsets count too). `sessions`: one, or `count` of them whose probabilities are
/// averaged (the paper's ensembles); they must be different sessions with the same labels. `crops`:
/// 1 or 10. `progress` (NULL: none) is called between batches, with pictures done and pictures in
/// all. Top-5 with five classes or fewer is 1. Free `evaluation` with alexnet_evaluation_free.
/// Statuses: INVALID_ARGUMENT (a class without a match, by name), BAD_FILE (no picture could be
/// read, or no finite answer), CANCELLED (`progress` said so), DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_evaluate(alexnet_session* const* sessions, int64_t count,
                         const alexnet_dataset* data, int32_t crops,
                         alexnet_progress_callback progress, void* user_data,
                         alexnet_evaluation** evaluation);

/// What this session takes. Free `memory` with alexnet_memory_free. Statuses: INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_session_memory(alexnet_session* session, alexnet_memory** memory);

/// Frees it; NULL is allowed. Statuses: INVALID_STATE inside a callback or while it is at work;
/// nothing is freed then.
ALEXNET_API(alexnet_status) alexnet_session_free(alexnet_session* session);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Result
/// Probabilities of one or more images, kept after the session is gone.
/// @{

/// How many images it holds.
ALEXNET_API(alexnet_status) alexnet_result_count(const alexnet_result* result, int64_t* images);

/// One of the best classes of image `image`: `rank` 0 is the most probable, class count - 1 the
/// least; of equals the lower index comes first. NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_result_top(const alexnet_result* result, int64_t image, int64_t rank, int64_t* class_index,
                   const char** label, float* probability);

/// Probabilities of all classes of image `image`, by class index; they sum to 1.
ALEXNET_API(alexnet_status)
alexnet_result_probabilities(const alexnet_result* result, int64_t image,
                             const float** probabilities, int64_t* class_count);

/// Activations of a layer for image `image`: (channels, height, width), dense, `count` floats
/// (NULL: not wanted). Of ten crops the mean. `layer`: one that alexnet_session_options_add_output
/// named before the session was made; every call that gives a result has computed it in the same
/// pass as the probabilities. Statuses: NOT_FOUND (layer).
ALEXNET_API(alexnet_status)
alexnet_result_features(const alexnet_result* result, int64_t image, const char* layer,
                        const float** values, int64_t* count);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_result_free(alexnet_result* result);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Index
/// Features of many pictures, in a file, and the nearest of them to another picture, by Euclidean
/// distance, exactly (the paper's figure 4). `alexnet features` and `alexnet search` make and read
/// the same file. An index never changes.
/// @{

/// Writes an index of a picture or of all pictures below a folder, whole or not at all. `layer`:
/// one that alexnet_session_options_add_output named; the paper takes what the last fully connected
/// layer reads ("fc7"). A larger batch of the session is faster. `progress` (NULL: none) is called
/// between batches, with pictures done and pictures in all. `written` and `broken` (NULL: not
/// wanted): pictures that the index holds, and those that were left out, since they cannot be read,
/// each of which the log names. Statuses: NOT_FOUND (layer, pictures), BAD_FILE (no picture can be
/// read), IO, CANCELLED (`progress` said so), DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_index_create(alexnet_session* session, const char* layer, const char* pictures,
                     const char* path, alexnet_progress_callback progress, void* user_data,
                     int64_t* written, int64_t* broken);

/// Opens the index in a file, which is mapped; `context` NULL: the default one. Free with
/// alexnet_index_free. Statuses: NOT_FOUND, IO, BAD_FILE (no index, or damaged).
ALEXNET_API(alexnet_status)
alexnet_index_open(alexnet_context* context, const char* path, alexnet_index** index);

/// Pictures, and numbers of each. NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_index_size(const alexnet_index* index, int64_t* pictures, int64_t* numbers);

/// The layer whose activations it holds: for alexnet_session_options_add_output.
ALEXNET_API(alexnet_status) alexnet_index_layer(const alexnet_index* index, const char** layer);

/// The pictures nearest to `image`, `most` (1 or more) at most. `session`: of the model that the
/// index was made by, with its layer among the outputs. Free `neighbours` with
/// alexnet_neighbours_free. Statuses: INVALID_ARGUMENT (another model, or other preprocessing),
/// NOT_FOUND (layer), BAD_FILE (values that are no numbers), DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_index_search(const alexnet_index* index, alexnet_session* session,
                     const alexnet_image* image, int64_t most, alexnet_neighbours** neighbours);

/// The same with features that are there already: `numbers` floats, as alexnet_index_size says. Any
/// number of threads at once. Statuses: INVALID_ARGUMENT (another count), BAD_FILE.
ALEXNET_API(alexnet_status)
alexnet_index_search_features(const alexnet_index* index, const float* features, int64_t numbers,
                              int64_t most, alexnet_neighbours** neighbours);

/// How many pictures were found.
ALEXNET_API(alexnet_status)
alexnet_neighbours_count(const alexnet_neighbours* neighbours, int64_t* count);

/// One of them: `rank` 0 is the nearest, of equals the one with the lower number comes first. Its
/// number in the index, its path, which lives as long as `neighbours`, and its distance. NULL: not
/// wanted.
ALEXNET_API(alexnet_status)
alexnet_neighbours_get(const alexnet_neighbours* neighbours, int64_t rank, int64_t* picture,
                       const char** path, double* distance);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_neighbours_free(alexnet_neighbours* neighbours);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_index_free(alexnet_index* index);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Evaluation
/// Accuracy over labelled pictures. It never changes.
/// @{

/// Images that count, and pictures that could not be read, which do not. NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_evaluation_counts(const alexnet_evaluation* evaluation, int64_t* images, int64_t* broken);

/// Fractions of images whose true class came first and among the best five, and the mean of
/// -log(probability of the true class). NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_evaluation_rates(const alexnet_evaluation* evaluation, double* top1, double* top5,
                         double* loss);

/// Classes that the confusion tells apart: those of the model.
ALEXNET_API(alexnet_status)
alexnet_evaluation_class_count(const alexnet_evaluation* evaluation, int64_t* count);

/// The name of one of them, in 0..count-1.
ALEXNET_API(alexnet_status)
alexnet_evaluation_label(const alexnet_evaluation* evaluation, int64_t class_index,
                         const char** label);

/// Images of class `truth` that were taken for class `answer`; both by index among the model's
/// labels.
ALEXNET_API(alexnet_status)
alexnet_evaluation_confusion(const alexnet_evaluation* evaluation, int64_t truth, int64_t answer,
                             int64_t* images);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_evaluation_free(alexnet_evaluation* evaluation);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Memory
/// What a session or trainer takes on its devices, in bytes. It never changes.
/// @{

/// Devices it runs on, in the order they were named; one named twice counts once.
ALEXNET_API(alexnet_status)
alexnet_memory_device_count(const alexnet_memory* memory, int64_t* count);

/// Bytes of a kind on a device, by index; `device` -1: on all of them.
ALEXNET_API(alexnet_status)
alexnet_memory_bytes(const alexnet_memory* memory, int64_t device, alexnet_memory_kind kind,
                     int64_t* bytes);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_memory_free(alexnet_memory* memory);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Image
/// 8-bit RGB inside, whatever it came from. Not to be set while another thread reads it.
/// @{

/// An image without pixels, to be filled by alexnet_image_set_pixels. Free with alexnet_image_free.
ALEXNET_API(alexnet_status) alexnet_image_create(alexnet_image** image);

/// Copies pixels. `width`, `height`: 1 or more. `stride`: bytes from one row to the next, at least
/// those of a row; negative where `pixels` is the first row of a picture stored upside down; 0: no
/// gaps.
ALEXNET_API(alexnet_status)
alexnet_image_set_pixels(alexnet_image* image, const uint8_t* pixels, int64_t width, int64_t height,
                         int64_t stride, alexnet_pixel_format format);

/// Reads a JPEG, PNG, WebP, BMP, GIF or TIFF; its rotation tag is followed, and an animation
/// gives its first picture.
/// Statuses: NOT_FOUND, IO, BAD_FILE, UNSUPPORTED (built without picture reading).
ALEXNET_API(alexnet_status) alexnet_image_from_file(const char* path, alexnet_image** image);

/// The same from the bytes of such a file. Statuses: BAD_FILE, UNSUPPORTED.
ALEXNET_API(alexnet_status)
alexnet_image_from_memory(const void* bytes, size_t size, alexnet_image** image);

/// 0 x 0 before pixels are set. NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_image_size(const alexnet_image* image, int64_t* width, int64_t* height);

/// width * height * 3 bytes, RGB, rows without gaps; valid until the image is set again or freed;
/// NULL at 0 x 0.
ALEXNET_API(alexnet_status)
alexnet_image_pixels(const alexnet_image* image, const uint8_t** pixels);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_image_free(alexnet_image* image);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Weight files
/// What is in them, whether they are sound, and turning one kind into another.
/// @{

/// Opens a weight file of any kind that alexnet_model_open takes, without asking which network it
/// is for. Structure and sizes are checked. The file stays mapped while the handle lives. Free with
/// alexnet_weights_free. Statuses: NOT_FOUND, IO, BAD_FILE, UNSUPPORTED (needs a newer library).
ALEXNET_API(alexnet_status) alexnet_weights_open(const char* path, alexnet_weights** weights);

/// How many tensors the file holds.
ALEXNET_API(alexnet_status)
alexnet_weights_tensor_count(const alexnet_weights* weights, int64_t* count);

/// A tensor, in file order: name, type as stored ("F32", "F16", "BF16", "I8"), and dimensions,
/// slowest first, `rank` of them. NULL: not wanted.
ALEXNET_API(alexnet_status)
alexnet_weights_tensor(const alexnet_weights* weights, int64_t index, const char** name,
                       const char** type, const int64_t** dimensions, int64_t* rank);

/// All elements of a tensor as floats, dense, into `values`, which can hold `capacity` of them;
/// fewer than needed gives INVALID_ARGUMENT with both numbers. Its checksum is checked where the
/// file has one. Statuses: NOT_FOUND (no tensor of that name), BAD_FILE, IO.
ALEXNET_API(alexnet_status)
alexnet_weights_read(const alexnet_weights* weights, const char* tensor, float* values,
                     int64_t capacity);

/// A value of the file's metadata: "alexnet.model", "alexnet.input", "alexnet.labels", ...
/// Statuses: NOT_FOUND (no such key).
ALEXNET_API(alexnet_status)
alexnet_weights_metadata(const alexnet_weights* weights, const char* key, const char** value);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_weights_free(alexnet_weights* weights);

/// Checks everything that a weight file says of itself: structure, checksums, values, fit to its
/// network, and, where it has one, its self-test, computed again on `device` (NULL: "cpu"). OK:
/// sound; then `self_tested` tells whether there was a self-test, and `difference` how far its
/// probabilities were off at most. NULL: not wanted. Statuses: BAD_FILE (alexnet_last_error() has
/// every fault, one a line), NOT_FOUND, IO, DEVICE, UNSUPPORTED.
ALEXNET_API(alexnet_status)
alexnet_weights_verify(const char* path, const char* device, int32_t* self_tested,
                       double* difference);

/// Reads a weight file of any kind and writes it as safetensors, whole or not at all. The self-test
/// is computed again on "cpu"; of the metadata, what this library knows is kept.
///   from, to    paths, which may be the same.
///   network     as in alexnet_model_open.
///   precision   stored type: AS_STORED (what has been int8 becomes fp32), FP32, FP16 or BF16.
///   plain       0: with preprocessing, labels, checksums and a self-test; else tensors alone, as
///               Python's strict load_state_dict takes them.
/// Statuses: NOT_FOUND, IO, BAD_FILE, UNSUPPORTED.
ALEXNET_API(alexnet_status)
alexnet_weights_convert(const char* from, const char* to, const char* network,
                        alexnet_precision precision, int32_t plain);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Data sets
/// Labelled pictures. One that a trainer uses does not change.
/// @{

/// Opens a folder with one sub-folder of pictures for each class (sorted names give the class
/// indices), a tar archive of such folders, as `alexnet pack` writes it, CIFAR-10 binary, or
/// MNIST-style idx files. Pictures lie below their class at any depth; hidden entries (".name") are
/// left out, links are followed, and in an archive the folders that all members share in front do
/// not count; a line of the log says what was left out. `part`: "train" or "test" where the folder
/// holds both (sub-folders of these names too; "val", "valid" and "validation" stand for "test"),
/// ignored where it holds one set; NULL: "train". Pictures are read when they are needed, so the
/// files must stay. Free with alexnet_dataset_free. Statuses: NOT_FOUND, IO, BAD_FILE.
ALEXNET_API(alexnet_status)
alexnet_dataset_open(const char* folder, const char* part, alexnet_dataset** data);

/// A set of pictures in memory, empty at first, with `count` classes (1 or more) of these names,
/// all different and none empty. Free with alexnet_dataset_free.
ALEXNET_API(alexnet_status)
alexnet_dataset_create(const char* const* class_names, int64_t count, alexnet_dataset** data);

/// Adds a copy of a picture, of any size, to a set of alexnet_dataset_create; `class_index` in
/// 0..count-1. Not while another thread uses the set. Statuses: INVALID_STATE (the set was opened
/// from files, or a trainer uses it).
ALEXNET_API(alexnet_status)
alexnet_dataset_add(alexnet_dataset* data, const alexnet_image* image, int64_t class_index);

/// How many pictures, readable or not.
ALEXNET_API(alexnet_status) alexnet_dataset_size(const alexnet_dataset* data, int64_t* images);

/// How many classes.
ALEXNET_API(alexnet_status)
alexnet_dataset_class_count(const alexnet_dataset* data, int64_t* count);

/// The name of a class, in 0..count-1.
ALEXNET_API(alexnet_status)
alexnet_dataset_class_name(const alexnet_dataset* data, int64_t class_index, const char** name);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_dataset_free(alexnet_dataset* data);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Training options
/// What is not set comes from the network's own recipe (`alexnet info NAME` shows it). Setters copy
/// what they are given; what depends on data, network or machine is checked when a trainer is made.
/// @{

/// Nothing set. Free with alexnet_train_options_free; trainers made with it do not need it.
ALEXNET_API(alexnet_status) alexnet_train_options_create(alexnet_train_options** options);

/// Passes over the data: 1..1000000000.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_epochs(alexnet_train_options* options, int64_t epochs);

/// Images of one step: 1 up to the size of the data, less what is split off for validation, at most
/// 1000000. Where not set: the recipe's, or all data where there are fewer. An epoch has whole
/// steps only; the pictures left over are others in each epoch.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_batch(alexnet_train_options* options, int64_t batch);

/// The learning rate at the start: above 0, up to 1000.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_learning_rate(alexnet_train_options* options, double rate);

/// 0 or more, below 1.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_momentum(alexnet_train_options* options, double momentum);

/// 0..1000.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_weight_decay(alexnet_train_options* options, double decay);

/// The learning rate over time, in epochs: "constant", "cosine", "step:EVERY:FACTOR",
/// "steps:E1,E2,...:FACTOR", or "plateau:FACTOR:PATIENCE", times FACTOR after PATIENCE epochs
/// without progress of the validation top-1, or of the training loss where there are no validation
/// data.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_schedule(alexnet_train_options* options, const char* schedule);

/// Of every random draw; 1 where not set.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_seed(alexnet_train_options* options, uint64_t seed);

/// Device names, see the top of this file; "cpu" where not set.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_device(alexnet_train_options* options, const char* device);

/// Threads that compute: 0..4096; 0, as where not set, means the context's.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_threads(alexnet_train_options* options, int32_t threads);

/// What activations and products are computed in; weights, gradients and sums stay FP32. FP32 where
/// not set; the others need GPUs. With FP16 the loss is scaled, and a step whose gradients overflow
/// is left out.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_precision(alexnet_train_options* options, alexnet_precision precision);

/// What several devices of a one-column network share: "data" (where not set), each batch's
/// pictures; or "hybrid", as Krizhevsky's "One weird trick" (2014): pictures in the convolutions,
/// units in the fully connected layers, whose gradients then need not cross. The batch must be a
/// multiple of the devices.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_parallelism(alexnet_train_options* options, const char* parallelism);

/// Threads that read pictures meanwhile: 0..256; 0 reads them between the steps. 1 where not set.
/// The answer is the same.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_data_threads(alexnet_train_options* options, int32_t threads);

/// Random changes of the pictures: `random_crop` nonzero: a random crop, else the centre; `flip`
/// nonzero: mirrored half of the time; `pad`: a border of 0..1024 pixels put around them before.
/// Where not set: crop and flip, with a border of 4 for inputs up to 64 pixels.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_augmentation(alexnet_train_options* options, int32_t random_crop,
                                       int32_t flip, int64_t pad);

/// Colour noise along the principal components of the data's pixels (the paper, section 4.1): the
/// deviation of the draws, 0..10; 0 for none, 0.1 in the paper. Where not set: the network's
/// recipe.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_color_noise(alexnet_train_options* options, double deviation);

/// What is subtracted from the pictures: "color" or "image", the mean of the data's pixels or
/// pictures, measured before the first step and kept in the weight file; or "fixed", what is fixed
/// for the network. Where not set: the network's recipe, or "fixed" where there are initial
/// weights.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_mean(alexnet_train_options* options, const char* mean);

/// The share of each label that is spread over all classes: 0 (where not set) or more, below 1.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_label_smoothing(alexnet_train_options* options, double smoothing);

/// How much the pictures of a class count in the loss: "none" (where not set), all alike; or
/// "balanced", by N / (K n), where the data have N pictures in K classes, n of them in this one.
/// The mean over a batch is then that of torch's CrossEntropyLoss: divided by the sum of its
/// pictures' weights. Losses and rates of validation data are without weights.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_class_weights(alexnet_train_options* options, const char* weights);

/// 0 switches dropout off.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_dropout(alexnet_train_options* options, int32_t enabled);

/// A weight file to start from instead of drawn weights, or the name of a network whose weights
/// come with the library, as in alexnet_model_open: a file of that name is "./NAME". Of its last
/// layer the classes stay whose names the data have too, compared as in alexnet_session_evaluate;
/// the others are drawn. A file that names no classes gives its last layer where their number fits.
/// A line of the log (INFO) says what was kept. Its channel order, scale, mean and std are used
/// too, unless alexnet_train_options_set_mean asks for others.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_initial_weights(alexnet_train_options* options, const char* path);

/// Nonzero: initial weights are used without their last layer, which is drawn.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_new_head(alexnet_train_options* options, int32_t enabled);

/// Which layers do not learn: "none" (where not set); or "all-but-last", which needs initial
/// weights, of which only the last layer learns. What the other layers make of each picture is then
/// computed once, before the first step, without dropout and without random crops, flips or colour
/// noise (the log, INFO, says so); dropout right before the last layer stays. It is kept in memory
/// up to 2 GiB, else in a temporary file without a name in the system's folder for such. The last
/// layer is trained on the first of the devices; alexnet_trainer_memory and _plan_memory tell of it
/// alone.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_freeze(alexnet_train_options* options, const char* layers);

/// A factor of one layer's learning rate, 0..1000000; 0 freezes it. "conv1" means conv1a and conv1b
/// too, "conv*" what begins so. May be set for several layers. A name that the network does not
/// have is refused when a trainer is made.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_layer_rate(alexnet_train_options* options, const char* layer,
                                     double factor);

/// Another side, in pixels, of the network's square input: 1..16384. What cannot work is refused
/// with the sizes that can, or with the node that it does not fit.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_input_size(alexnet_train_options* options, int64_t side);

/// Pictures to measure the network on after each epoch of alexnet_trainer_run, on one crop each:
/// alexnet_step tells of it, alexnet_trainer_set_best and a plateau go by it. Their classes must
/// have the names of the training data's, compared as in alexnet_session_evaluate; a trainer that
/// is made refuses others, as it does a set without pictures. NULL: none, as where not set. The
/// options and trainers made with them keep the data alive, which must not change any more.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_validation(alexnet_train_options* options, const alexnet_dataset* data);

/// A share of the data's pictures for that instead of a set: above 0, up to 0.5; 0: none, as where
/// not set. Of each class the share, rounded, and at least one picture where it has two, is drawn
/// by the seed and not trained on; classes of one picture keep it, which a warning names.
/// Checkpoints keep share and seed: a resumed training splits its data alike, whatever is set then
/// (a warning says so), but is measured by a set where one is set. A trainer that is made with both
/// refuses that, and so does one that is resumed with a share its checkpoint does not know.
ALEXNET_API(alexnet_status)
alexnet_train_options_set_validation_share(alexnet_train_options* options, double share);

/// Frees it; NULL is allowed.
ALEXNET_API(void) alexnet_train_options_free(alexnet_train_options* options);
/// @}

// ------------------------------------------------------------------------------------------------
/// @name Trainer
/// One thread at a time, alexnet_trainer_cancel, _progress and _set_step_callback apart. A thread
/// that finds it at work gets INVALID_STATE.
/// @{

/// A network (name, spec file or its text) that shall learn these data, with as many classes;
/// `context` NULL: the default one, `options` NULL: the network's recipe. Weight files and
/// checkpoints of a network that is not of the zoo carry it, and need its spec no more. The trainer
/// keeps the data alive. The log says what it found: pictures, classes and left-over pictures of an
/// epoch (INFO); one class only, classes without pictures, and of up to 256 pictures those that are
/// broken (WARNING). Free with alexnet_trainer_free. Statuses: NOT_FOUND (network, device,
/// initial weights), IO, BAD_FILE, DEVICE, UNSUPPORTED.
ALEXNET_API(alexnet_status)
alexnet_trainer_create(alexnet_context* context, const char* network, const alexnet_dataset* data,
                       const alexnet_train_options* options, alexnet_trainer** trainer);

/// What a trainer of this network and these options would take for data of so many classes, before
/// it is made. Free `memory` with alexnet_memory_free. Statuses: NOT_FOUND (network, device),
/// DEVICE, UNSUPPORTED.
ALEXNET_API(alexnet_status)
alexnet_trainer_plan_memory(alexnet_context* context, const char* network, int64_t classes,
                            const alexnet_train_options* options, alexnet_memory** memory);

/// Goes on where a checkpoint stopped, bit for bit on the same machine with as many threads (on
/// GPUs within rounding: another process may choose other algorithms). Network, recipe, precision
/// and position come from the file, and so does what is split off for validation or frozen; of
/// `options` (NULL: none) only epochs (a new total), device, parallelism, threads, data threads and
/// validation data count. What was set on the trainer
/// itself (callback, checkpoint, minutes, best) is set on this one anew. Statuses:
/// INVALID_ARGUMENT (the data are not the checkpoint's), NOT_FOUND, IO, BAD_FILE (no checkpoint),
/// DEVICE.
ALEXNET_API(alexnet_status)
alexnet_trainer_resume(alexnet_context* context, const char* checkpoint,
                       const alexnet_dataset* data, const alexnet_train_options* options,
                       alexnet_trainer** trainer);

/// Sets the function that is called after each step, on the thread that trains; NULL removes it.
/// When this returns, the old callback is in no call and gets none any more, so it waits for a call
/// in flight: hold no lock that the callback takes. Statuses: INVALID_STATE inside a callback.
ALEXNET_API(alexnet_status)
alexnet_trainer_set_step_callback(alexnet_trainer* trainer, alexnet_step_callback callback,
                                  void* user_data);

/// alexnet_trainer_run keeps a checkpoint in this file: after each `every` steps (0: after each
/// epoch), when it is cancelled, and at its end. NULL: none, as at first. As long as it is set, no
/// other training of this library, here or in another process, writes that file:
/// `.alexnet-NAME.lock` beside it says whose it is. Statuses: IO, NOT_FOUND (no file can be written
/// there), INVALID_STATE (the trainer is at work, or another training writes this file).
ALEXNET_API(alexnet_status)
alexnet_trainer_set_checkpoint(alexnet_trainer* trainer, const char* path, int64_t every);

/// Minutes between the checkpoints of alexnet_trainer_run, 0.001..1000000, in place of the steps of
/// alexnet_trainer_set_checkpoint, which names the file: without one they change nothing. They are
/// looked at after each step. 0: by steps, as at first. Statuses: INVALID_STATE (the trainer is at
/// work).
ALEXNET_API(alexnet_status)
alexnet_trainer_set_checkpoint_minutes(alexnet_trainer* trainer, double minutes);

/// alexnet_trainer_run keeps the best epoch's weights in this file, as
/// alexnet_trainer_save_weights writes them in FP32: after each epoch whose validation top-1 is
/// above that of all before. A checkpoint knows the best so far, so a resumed training that is
/// given the same file and the same validation data replaces it by a better epoch only; with other
/// data, or where the file is gone, the best begins anew. NULL: none, as at first. No other
/// training writes the file, as with alexnet_trainer_set_checkpoint. Statuses: INVALID_ARGUMENT
/// (the checkpoint's file), IO, NOT_FOUND (no file can be written there), INVALID_STATE (the
/// trainer is at work, or has no validation data, or another training writes this file).
ALEXNET_API(alexnet_status)
alexnet_trainer_set_best(alexnet_trainer* trainer, const char* path);

/// One step: batch, forward, backward, update. It writes no file, and measures no validation data,
/// but where a plateau judges the epoch before. A loss that runs away in the first 50 steps (three
/// in a row over four times the first one, or that of an answer that knows nothing) is a WARNING of
/// the log, with the rate to try. Out (NULL: not wanted): loss and accuracy as in
/// alexnet_step. Statuses:
/// INVALID_STATE (all epochs are run; or the loss is no number any more: start again with a lower
/// rate), BAD_FILE (no picture can be read), IO, DEVICE.
ALEXNET_API(alexnet_status)
alexnet_trainer_step(alexnet_trainer* trainer, double* loss, double* accuracy);

/// Steps until all epochs are run, or until `steps` more are (0: no limit). OK without a step where
/// all epochs are run already. With validation data it measures them after each epoch. Where a
/// resumed training has just ended an epoch whose validation its checkpoint does not know, and a
/// plateau or alexnet_trainer_set_best goes by it, that is made up for before anything else, told
/// to no callback (alexnet_trainer_evaluate gives the figures). Statuses: CANCELLED, and those of
/// alexnet_trainer_step, alexnet_trainer_evaluate, alexnet_trainer_save_checkpoint and
/// alexnet_trainer_save_weights.
ALEXNET_API(alexnet_status) alexnet_trainer_run(alexnet_trainer* trainer, int64_t steps);

/// Ends the alexnet_trainer_run or alexnet_trainer_evaluate in progress with CANCELLED, after the
/// step or batch at hand and, where alexnet_trainer_set_checkpoint named a file, with a checkpoint
/// in it. A validation that it ends is not told of, the step before it is. The trainer stays
/// usable: another run goes on. A run whose last step is made anyway ends
/// with OK. Any thread, inside callbacks too; not from a signal handler. Statuses: INVALID_STATE
/// (neither a run nor an evaluation is in progress; nothing is kept for later).
ALEXNET_API(alexnet_status) alexnet_trainer_cancel(alexnet_trainer* trainer);

/// Steps done, steps in all, steps of one epoch. NULL: not wanted. Any thread, inside callbacks
/// too, while it runs.
ALEXNET_API(alexnet_status)
alexnet_trainer_progress(alexnet_trainer* trainer, int64_t* steps_done, int64_t* total_steps,
                         int64_t* steps_per_epoch);

/// Writes all that alexnet_trainer_resume needs, whole or not at all. Statuses: IO, DEVICE,
/// INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_trainer_save_checkpoint(alexnet_trainer* trainer, const char* path);

/// Writes a weight file for alexnet_model_open, whole or not at all: weights stored as FP32, FP16
/// or BF16, preprocessing, labels and a self-test. Statuses: IO, DEVICE, INVALID_STATE (also where
/// the weights have diverged).
ALEXNET_API(alexnet_status)
alexnet_trainer_save_weights(alexnet_trainer* trainer, const char* path,
                             alexnet_precision precision);

/// Accuracy of the weights as they are now; arguments and answer as of alexnet_session_evaluate.
/// Statuses: INVALID_ARGUMENT (a class without a match), BAD_FILE, CANCELLED (`progress` said so,
/// or alexnet_trainer_cancel), DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_trainer_evaluate(alexnet_trainer* trainer, const alexnet_dataset* data, int32_t crops,
                         alexnet_progress_callback progress, void* user_data,
                         alexnet_evaluation** evaluation);

/// What this trainer takes. Free `memory` with alexnet_memory_free. Statuses: INVALID_STATE.
ALEXNET_API(alexnet_status)
alexnet_trainer_memory(alexnet_trainer* trainer, alexnet_memory** memory);

/// A copy of the network as it is now, which later steps do not change. Free with
/// alexnet_model_free. Statuses: DEVICE, INVALID_STATE.
ALEXNET_API(alexnet_status) alexnet_trainer_model(alexnet_trainer* trainer, alexnet_model** model);

/// Frees it; NULL is allowed. Statuses: INVALID_STATE inside a callback or while it is at work;
/// nothing is freed then.
ALEXNET_API(alexnet_status) alexnet_trainer_free(alexnet_trainer* trainer);
/// @}

#ifdef __cplusplus
}
#endif

#endif  // ALEXNET_ALEXNET_H_
