// The stand-in for cuBLAS.
#include <algorithm>
#include <cstring>

#include "cudasim/library.h"

namespace alx::cudasim {
namespace {

constexpr Statuses<cublasStatus_t> statuses{CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_EXECUTION_FAILED,
                                            CUBLAS_STATUS_INVALID_VALUE};

struct CublasHandle : OnDevice {
  static constexpr const char* type = "cublasHandle_t";
  void* workspace = nullptr;
  size_t workspace_bytes = 0;
};

auto& handles() { return Objects<CublasHandle>::all(); }

const char* status_string(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    default: return "CUBLAS_STATUS_UNKNOWN";
  }
}

cublasStatus_t get_property(libraryPropertyType type, int* value) {
  *value = type == MAJOR_VERSION   ? CUBLAS_VER_MAJOR
           : type == MINOR_VERSION ? CUBLAS_VER_MINOR
                                   : CUBLAS_VER_PATCH;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t create(cublasHandle_t* handle) {
  constexpr Statuses<cublasStatus_t> status{CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_ALLOC_FAILED,
                                            CUBLAS_STATUS_INVALID_VALUE};
  return perform("cublasCreate_v2", status, [&] { handles().create(handle); });
}

cublasStatus_t destroy(cublasHandle_t handle) {
  return perform("cublasDestroy_v2", statuses, [&] {
    handles().get(handle, "handle").check_device();
    handles().destroy(handle, "handle");
  });
}

cublasStatus_t set_stream(cublasHandle_t handle, cudaStream_t stream) {
  return perform("cublasSetStream_v2", statuses, [&] {
    CublasHandle& owner = handles().get(handle, "handle");
    owner.set_stream(stream);
    owner.workspace = nullptr, owner.workspace_bytes = 0;  // as documented: back to the default
  });
}

cublasStatus_t set_workspace(cublasHandle_t handle, void* workspace, size_t bytes) {
  return perform("cublasSetWorkspace_v2", statuses, [&] {
    CublasHandle& owner = handles().get(handle, "handle");
    owner.check_device();
    expect(owner.stream, "the stream must be set first: setting it drops the workspace");
    check_aligned(workspace, 256, "workspace");
    expect(bytes >= 1 << 20, "a workspace of ", bytes,
           " bytes is less than the 1 MB that is asked for here");
    owner.workspace = workspace, owner.workspace_bytes = bytes;
  });
}

cublasStatus_t set_math_mode(cublasHandle_t handle, cublasMath_t mode) {
  return perform("cublasSetMathMode", statuses, [&] {
    handles().get(handle, "handle").check_device();
    const int without_flag = int{mode} & ~int{CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION};
    expect(without_flag == CUBLAS_DEFAULT_MATH || without_flag == CUBLAS_PEDANTIC_MATH ||
               without_flag == CUBLAS_TF32_TENSOR_OP_MATH,
           "math mode ", int{mode}, " is not simulated");
  });
}

// ---- products ----------------------------------------------------------------------------------

DataType element_of(cudaDataType type, const char* name) {
  expect(type == CUDA_R_32F || type == CUDA_R_16F || type == CUDA_R_16BF, name, " ", int{type},
         " is not simulated, only CUDA_R_32F, CUDA_R_16F and CUDA_R_16BF");
  return type == CUDA_R_32F ? DataType::f32 : type == CUDA_R_16F ? DataType::f16 : DataType::bf16;
}

// Column after column, `lead` elements from one to the next.
struct Matrix {
  const char* name;
  const void* pointer;
  DataType element;
  size_t rows, columns, lead;

  // What is touched: each column of its own, unless they lie without gaps.
  std::vector<Range> ranges(cudnn::Access access) const {
    const size_t size = alx::size_of(element);
    if (rows == 0 || columns == 0) return {};
    if (lead == rows || columns == 1) return {{pointer, rows * columns * size, access, name}};
    std::vector<Range> result;
    for (size_t column = 0; column < columns; ++column)
      result.push_back(
          {static_cast<const char*>(pointer) + column * lead * size, rows * size, access, name});
    return result;
  }

  // Pointers to the columns, of those to the ranges from `first` on, which is moved beyond this
  // matrix.
  std::vector<char*> columns_of(const std::vector<void*>& pointers, size_t& first) const {
    std::vector<char*> result;
    const size_t count = ranges(cudnn::Access::read).size();
    for (size_t column = 0; count > 0 && column < columns; ++column)
      result.push_back(count == 1 ? static_cast<char*>(pointers[first]) +
                                        column * rows * alx::size_of(element)
                                  : static_cast<char*>(pointers[first + column]));
    first += count;
    return result;
  }
};

Matrix matrix(const char* name, const void* pointer, DataType element, int rows, int columns,
              int lead) {
  expect(lead >= std::max(1, rows), "the leading dimension of ", name, " is ", lead,
         ", but it has ", rows, " rows");
  check_aligned(pointer, alx::size_of(element), name);
  return {name,
          pointer,
          element,
          static_cast<size_t>(rows),
          static_cast<size_t>(columns),
          static_cast<size_t>(lead)};
}

struct Product {
  bool transposed_a, transposed_b;
  float alpha, beta;
  Matrix a, b, c;

  void run(const std::vector<void*>& pointers) const {
    size_t first = 0;
    const auto at_a = a.columns_of(pointers, first), at_b = b.columns_of(pointers, first);
    const auto at_c = c.columns_of(pointers, first);
    const auto load = [](const Matrix& matrix, const std::vector<char*>& at, size_t row,
                         size_t column) {
      return static_cast<double>(cudnn::load(at[column], matrix.element, row));
    };
    const size_t depth = transposed_a ? a.rows : a.columns;
    for (size_t j = 0; j < c.columns; ++j)
      for (size_t i = 0; i < c.rows; ++i) {
        double sum = 0;
        for (size_t k = 0; k < depth; ++k)
          sum += (transposed_a ? load(a, at_a, k, i) : load(a, at_a, i, k)) *
                 (transposed_b ? load(b, at_b, j, k) : load(b, at_b, k, j));
        const double old = beta == 0 ? 0 : beta * load(c, at_c, i, j);
        cudnn::store(at_c[j], c.element, i, static_cast<float>(alpha * sum + old));
      }
  }
};

void check_types(DataType a, DataType b, DataType c, cublasComputeType_t compute) {
  expect(a == b, "A of ", name_of(a), " and B of ", name_of(b), " must be of one type");
  expect(c == a || c == DataType::f32, "C of ", name_of(c), " cannot hold a product of ",
         name_of(a));
  expect(compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_FAST_TF32, "compute type ",
         int{compute},
         " is not simulated, only CUBLAS_COMPUTE_32F and CUBLAS_COMPUTE_32F_FAST_TF32");
  expect(compute == CUBLAS_COMPUTE_32F || capability() >= 80,
         "CUBLAS_COMPUTE_32F_FAST_TF32 needs compute capability 8.0, this is ", capability());
  expect(compute == CUBLAS_COMPUTE_32F || a == DataType::f32,
         "CUBLAS_COMPUTE_32F_FAST_TF32 takes F32 alone, not ", name_of(a));
}

bool is_transposed(cublasOperation_t operation, const char* name) {
  expect(operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C, name,
         " ", int{operation}, " is not simulated");
  return operation != CUBLAS_OP_N;
}

// Runs on the handle's stream; the workspace's content is undefined, before and after.
void run_product(const char* call, const CublasHandle& handle, const Product& product) {
  std::vector<Range> ranges = product.a.ranges(cudnn::Access::read);
  const auto add = [&](const std::vector<Range>& more) {
    ranges.insert(ranges.end(), more.begin(), more.end());
  };
  add(product.b.ranges(cudnn::Access::read));
  const auto results =
      product.c.ranges(product.beta == 0 ? cudnn::Access::write : cudnn::Access::read_write);
  const Range workspace{handle.workspace, handle.workspace_bytes, cudnn::Access::write,
                        "workspace"};
  for (const Range& range : ranges) {
    expect(!overlap(range, workspace), "the workspace overlaps ", range.name);
    for (const Range& result : results) expect(!overlap(range, result), "C overlaps ", range.name);
  }
  for (const Range& result : results)
    expect(!overlap(result, workspace), "the workspace overlaps C");
  add(results);
  add({workspace});
  expect_run(cudasim::run(handle.stream, call, ranges,
                          [product, bytes = workspace.bytes](const std::vector<void*>& pointers) {
                            std::memset(pointers.back(), 0xff,
                                        // all of it would take most of a test's time
                                        std::min(bytes, size_t{1} << 16));
                            product.run(pointers);
                          }));
}

cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                    int n, int k, const void* alpha, const void* a, cudaDataType a_type, int lda,
                    const void* b, cudaDataType b_type, int ldb, const void* beta, void* c,
                    cudaDataType c_type, int ldc, cublasComputeType_t compute,
                    cublasGemmAlgo_t algorithm) {
  constexpr const char* call = "cublasGemmEx";
  return perform(call, statuses, [&] {
    const CublasHandle& owner = handles().get(handle, "handle");
    owner.check_ready();
    expect(owner.workspace,
           "no workspace was set since the stream was: the default one is not simulated");
    expect(m >= 0 && n >= 0 && k >= 0, "sizes must not be negative, got ", m, " x ", n, " x ", k);
    expect(alpha && beta, alpha ? "beta" : "alpha", " is null");
    expect(algorithm == CUBLAS_GEMM_DEFAULT || algorithm == CUBLAS_GEMM_DEFAULT_TENSOR_OP,
           "algorithm ", int{algorithm}, " is not simulated");
    const bool ta = is_transposed(op_a, "transa"), tb = is_transposed(op_b, "transb");
    const DataType ea = element_of(a_type, "Atype"), eb = element_of(b_type, "Btype"),
                   ec = element_of(c_type, "Ctype");
    check_types(ea, eb, ec, compute);
    const Product product{ta,
                          tb,
                          *static_cast<const float*>(alpha),
                          *static_cast<const float*>(beta),
                          matrix("A", a, ea, ta ? k : m, ta ? m : k, lda),
                          matrix("B", b, eb, tb ? n : k, tb ? k : n, ldb),
                          matrix("C", c, ec, m, n, ldc)};
    if (m > 0 && n > 0) run_product(call, owner, product);
  });
}

}  // namespace

void add_cublas(cudnn::Api& api) {
  api.cublasCreate_v2 = create;
  api.cublasDestroy_v2 = destroy;
  api.cublasSetStream_v2 = set_stream;
  api.cublasSetWorkspace_v2 = set_workspace;
  api.cublasSetMathMode = set_math_mode;
  api.cublasGetStatusString = status_string;
  api.cublasGetProperty = get_property;
  api.cublasGemmEx = gemm;
}

}  // namespace alx::cudasim
