// The stand-in for NCCL: sums over the devices of one process.
#include <algorithm>
#include <utility>

#include "cudasim/library.h"

namespace alx::cudasim {
namespace {

constexpr Statuses<ncclResult_t> statuses{ncclSuccess, ncclUnhandledCudaError, ncclInvalidArgument};

// The communicators that were made together, by rank.
struct Clique {
  std::vector<ncclComm_t> members;
};

struct Communicator {
  static constexpr const char* type = "ncclComm_t";
  int device = 0;
  std::shared_ptr<const Clique> clique;
};

auto& communicators() { return Objects<Communicator>::all(); }

struct AllReduce {
  ncclComm_t communicator;
  std::shared_ptr<const Clique> clique;
  const void* from;
  void* to;
  size_t count;
  DataType element;
  cudaStream_t stream;
  size_t bytes() const { return count * alx::size_of(element); }
};

// What this host thread has begun and not ended. An error of a call inside is the result of the
// group.
struct Group {
  int depth = 0;
  ncclResult_t error = ncclSuccess;
  std::vector<AllReduce> calls;
};

Group& group() {
  thread_local Group open;
  return open;
}

const char* error_string(ncclResult_t result) {
  switch (result) {
    case ncclSuccess: return "no error";
    case ncclUnhandledCudaError: return "unhandled cuda error";
    case ncclInvalidArgument: return "invalid argument";
    case ncclInvalidUsage: return "invalid usage";
    default: return "unknown result code";
  }
}

// ---- communicators -----------------------------------------------------------------------------

ncclResult_t init_all(ncclComm_t* results, int count, const int* devices_of) {
  return perform("ncclCommInitAll", statuses, [&] {
    const bool outside = group().depth == 0;
    group() = {};  // or a group that was never ended would disturb all that follows
    expect(outside, "a group of calls is open; its ncclGroupEnd is missing");
    expect(results && count > 0, "expected a place for at least one communicator, got ", count);
    std::vector<int> list;
    for (int rank = 0; rank < count; ++rank) {
      const int device = devices_of ? devices_of[rank] : rank;
      expect(device >= 0 && device < devices, "there is no device ", device);
      expect(std::count(list.begin(), list.end(), device) == 0, "device ", device,
             " is named twice");
      list.push_back(device);
    }
    const auto clique = std::make_shared<Clique>();
    for (int rank = 0; rank < count; ++rank) {
      communicators().create(&results[rank]);
      clique->members.push_back(results[rank]);
    }
    for (size_t rank = 0; rank < list.size(); ++rank) {
      Communicator& communicator = communicators().get(results[rank], "comm");
      communicator.device = list[rank];
      communicator.clique = clique;
    }
  });
}

ncclResult_t destroy(ncclComm_t communicator) {
  return perform("ncclCommDestroy", statuses, [&] {
    communicators().destroy(communicator, "comm");
    const auto& calls = group().calls;
    const bool waiting = std::any_of(calls.begin(), calls.end(), [&](const AllReduce& call) {
      return call.communicator == communicator;
    });
    if (waiting) group() = {};
    expect(!waiting,
           "a group with calls of this communicator is open; its ncclGroupEnd is missing");
  });
}

// ---- sums --------------------------------------------------------------------------------------

using Row = std::vector<AllReduce>;  // the calls of each rank that belong together

// Each stream gives its part, then each gets the sum of all.
void execute(const Row& row) {
  constexpr const char* call = "ncclAllReduce";
  std::vector<cudaStream_t> streams;
  for (const AllReduce& one : row) streams.push_back(one.stream);
  join(streams, call);
  const auto parts = std::make_shared<std::vector<std::vector<float>>>();
  for (const AllReduce& one : row) {
    const size_t before = parts->size();
    const auto give = [parts, element = one.element,
                       count = one.count](const std::vector<void*>& at) {
      parts->emplace_back(count);
      unpack(at[0], element, parts->back());
    };
    expect_run(
        run(one.stream, call, {{one.from, one.bytes(), cudnn::Access::read, "sendbuff"}}, give));
    expect(parts->size() == before + 1, "a stream is being captured, which is not simulated");
  }
  std::vector<float> sum(row[0].count);
  for (size_t i = 0; i < sum.size(); ++i) {
    double total = 0;
    for (const auto& part : *parts) total += part[i];
    sum[i] = static_cast<float>(total);
  }
  for (const AllReduce& one : row)
    expect_run(run(
        one.stream, call, {{one.to, one.bytes(), cudnn::Access::write, "recvbuff"}},
        [sum, element = one.element](const std::vector<void*>& at) { pack(sum, at[0], element); }));
  join(streams, call);
}

// The calls of one clique, row after row; refuses what would wait for ever.
std::vector<Row> rows_of(const Clique& clique, const std::vector<AllReduce>& calls) {
  std::vector<Row> rows;
  for (size_t rank = 0; rank < clique.members.size(); ++rank) {
    size_t row = 0;
    for (const AllReduce& call : calls) {
      if (call.communicator != clique.members[rank]) continue;
      if (rows.size() == row) rows.emplace_back();
      rows[row++].push_back(call);
    }
  }
  for (const Row& row : rows) {
    expect(row.size() == clique.members.size(), "this would hang: of ", clique.members.size(),
           " communicators, ", row.size(), " take part in a sum");
    for (const AllReduce& call : row)
      expect(call.count == row[0].count && call.element == row[0].element,
             "this would hang: sums of ", row[0].count, " elements of ", name_of(row[0].element),
             " and of ", call.count, " of ", name_of(call.element));
  }
  return rows;
}

void execute_all(const std::vector<AllReduce>& calls) {
  std::vector<std::pair<const Clique*, std::vector<Row>>> cliques;
  for (const AllReduce& call : calls) {
    const Clique* clique = call.clique.get();
    const auto same = [&](const auto& known) { return known.first == clique; };
    if (std::none_of(cliques.begin(), cliques.end(), same))
      cliques.emplace_back(clique, rows_of(*clique, calls));
  }
  for (const auto& [clique, rows] : cliques)
    for (const Row& row : rows) execute(row);
}

DataType element_of(ncclDataType_t type) {
  expect(type == ncclFloat32 || type == ncclFloat16 || type == ncclBfloat16, "data type ",
         int{type}, " is not simulated, only float, half and bfloat16");
  return type == ncclFloat32 ? DataType::f32 : type == ncclFloat16 ? DataType::f16 : DataType::bf16;
}

AllReduce checked(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                  ncclComm_t communicator, cudaStream_t stream) {
  const Communicator& owner = communicators().get(communicator, "comm");
  for (ncclComm_t member : owner.clique->members)
    communicators().get(member, "another comm of its clique");
  expect(op == ncclSum, "reduction ", int{op}, " is not simulated, only ncclSum");
  const AllReduce result{communicator, owner.clique, from, to, count, element_of(type), stream};
  check_aligned(from, alx::size_of(result.element), "sendbuff");
  check_aligned(to, alx::size_of(result.element), "recvbuff");
  const Range sent{from, result.bytes(), cudnn::Access::read, "sendbuff"};
  const Range received{to, result.bytes(), cudnn::Access::write, "recvbuff"};
  expect(from == to || !overlap(sent, received), "recvbuff overlaps sendbuff without being it");
  expect(stream, "the stream is null: the legacy default stream is not simulated");
  const int device = device_of(stream);
  expect_run(device >= 0);
  expect(device == owner.device, "the communicator is of device ", owner.device,
         ", the stream of device ", device);
  return result;
}

ncclResult_t all_reduce(const void* from, void* to, size_t count, ncclDataType_t type,
                        ncclRedOp_t op, ncclComm_t communicator, cudaStream_t stream) {
  Group& open = group();
  ncclResult_t result = ncclSuccess;
  const ncclResult_t status = perform("ncclAllReduce", statuses, [&] {
    const AllReduce call = checked(from, to, count, type, op, communicator, stream);
    if (open.depth > 0) return open.calls.push_back(call);
    result = ncclInvalidUsage;
    execute_all({call});  // hangs unless this communicator is alone
    result = ncclSuccess;
  });
  if (status != ncclSuccess && result == ncclSuccess) result = status;
  if (open.depth > 0 && open.error == ncclSuccess) open.error = result;
  return result;
}

// ---- groups ------------------------------------------------------------------------------------

ncclResult_t group_start() {
  return perform("ncclGroupStart", statuses, [] { ++group().depth; });
}

ncclResult_t group_end() {
  constexpr const char* call = "ncclGroupEnd";
  constexpr Statuses<ncclResult_t> of_group{ncclSuccess, ncclUnhandledCudaError, ncclInvalidUsage};
  Group ended;
  const ncclResult_t status = perform(call, of_group, [&] {
    expect(group().depth > 0, "no group is open");
    if (--group().depth > 0) return;
    ended = std::exchange(group(), {});
    if (ended.error == ncclSuccess) execute_all(ended.calls);
  });
  if (status == ncclUnhandledCudaError) group() = {};  // over, though it failed
  return status == ncclSuccess ? ended.error : status;
}

}  // namespace

void add_nccl(cudnn::Api& api) {
  api.ncclGetErrorString = error_string;
  api.ncclGetVersion = [](int* version) { return *version = NCCL_VERSION_CODE, ncclSuccess; };
  api.ncclCommInitAll = init_all;
  api.ncclCommDestroy = destroy;
  api.ncclGroupStart = group_start;
  api.ncclGroupEnd = group_end;
  api.ncclAllReduce = all_reduce;
}

}  // namespace alx::cudasim
