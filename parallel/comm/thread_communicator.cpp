#include "parallel/comm/thread_communicator.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "configs/error.hpp"
#include "parallel/comm/arguments.hpp"
#include "parallel/comm/local_reduce.hpp"
#include "parallel/comm/queued_communicator.hpp"

namespace spillway::comm {
namespace {

/// A message that waits for its receiver; lives on the sender's stack.
struct Message {
  Buffer buffer;
  int tag = 0;
  bool taken = false;
  std::int64_t expected = 0;  // elements the receiver wanted
  int expected_tag = 0;
};

class Meeting;

/// What a rank wants of a split, and what it gets.
struct Wish {
  int color;
  int key;
  std::shared_ptr<Meeting> meeting;
  int rank;
};

/// What a rank brings to a collective: the operation, the memory that others may touch until the
/// closing barrier.
struct Call {
  Operation operation = Operation::barrier;
  Buffer buffer;
  Wish* wish = nullptr;

  bool matches(const Call& other) const {
    return operation == other.operation && buffer.count == other.buffer.count &&
           buffer.type == other.buffer.type;
  }
};

std::string describe(const Call& call, int rank) {
  return "rank " + std::to_string(rank) + " called " + to_string(call.operation) + " of " +
         std::to_string(call.buffer.count) + " " + c10::toString(call.buffer.type);
}

/// Where the ranks of one group meet.
class Meeting {
 public:
  explicit Meeting(int size)
      : size_(size), here_(ranks()), present_(ranks(), true), mail_(ranks() * ranks()) {}

  int size() const { return size_; }

  /// Returns, on every rank, what all ranks brought, once all are here. Throws on every rank alike
  /// unless the calls match.
  std::vector<Call> meet(int rank, const Call& brought) {
    const std::vector<Call> calls = gather(rank, brought);
    for (std::size_t other = 1; other < calls.size(); ++other) {
      if (calls[other].matches(calls[0])) continue;
      fail("[threads] " + describe(calls[0], 0) + " while " +
           describe(calls[other], static_cast<int>(other)));
    }
    return calls;
  }
  void send(Buffer buffer, int from, int to, int tag) {
    std::unique_lock lock(mutex_);
    Message message{buffer, tag};
    auto& mail = mail_[slot(from, to)];
    mail.push_back(&message);
    changed_.notify_all();
    changed_.wait(lock, [&] { return message.taken || !present_[static_cast<std::size_t>(to)]; });
    if (!message.taken) {
      std::erase(mail, &message);
      fail("[threads] rank " + std::to_string(to) + " has left");
    }
    if (message.expected_tag != tag) fail_tag("threads", message.expected_tag, tag);
    check_count(buffer.count, message.expected);
  }

  void recv(Buffer buffer, int from, int to, int tag) {
    std::unique_lock lock(mutex_);
    auto& mail = mail_[slot(from, to)];
    changed_.wait(lock, [&] { return !mail.empty() || !present_[static_cast<std::size_t>(from)]; });
    if (mail.empty()) fail("[threads] rank " + std::to_string(from) + " has left");
    Message& message = *mail.front();
    mail.pop_front();
    const std::int64_t sent = message.buffer.count;
    const int came = message.tag;
    const bool fits = came == tag && sent == buffer.count && message.buffer.type == buffer.type;
    if (fits && sent > 0)
      std::memcpy(buffer.data, message.buffer.data, static_cast<std::size_t>(buffer.bytes()));
    message.expected = buffer.count;
    message.expected_tag = tag;
    message.taken = true;
    changed_.notify_all();
    if (came != tag) fail_tag("threads", tag, came);
    check_count(sent, buffer.count);
    if (!fits) fail("[threads] the message is of another type");
  }

  void leave(int rank) {
    const std::lock_guard lock(mutex_);
    present_[static_cast<std::size_t>(rank)] = false;
    ++left_;
    changed_.notify_all();
  }

 private:
  std::vector<Call> gather(int rank, const Call& brought) {
    std::unique_lock lock(mutex_);
    here_[static_cast<std::size_t>(rank)] = brought;
    if (++arrived_ == size_) {
      arrived_ = 0;
      ++round_;
      met_ = here_;
      changed_.notify_all();
      return met_;
    }
    const std::int64_t round = round_;
    changed_.wait(lock, [&] { return round_ != round || left_ > 0; });
    if (round_ == round) fail("[threads] a rank has left the group of " + std::to_string(size_));
    return met_;
  }

  std::size_t ranks() const { return static_cast<std::size_t>(size_); }
  std::size_t slot(int from, int to) const {
    return static_cast<std::size_t>(from) * ranks() + static_cast<std::size_t>(to);
  }

  static void check_count(std::int64_t sent, std::int64_t expected) {
    if (sent == expected) return;
    fail("[threads] a message of " + std::to_string(sent) + " elements came where " +
         std::to_string(expected) + " were expected");
  }

  const int size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Call> here_, met_;
  int arrived_ = 0;
  std::int64_t round_ = 0;
  std::vector<bool> present_;
  int left_ = 0;
  std::vector<std::deque<Message*>> mail_;
};

class ThreadTransport final : public Transport {
 public:
  ThreadTransport(std::shared_ptr<Meeting> meeting, int rank)
      : meeting_(std::move(meeting)), rank_(rank) {}
  ~ThreadTransport() override { meeting_->leave(rank_); }

  int rank() const override { return rank_; }
  int size() const override { return meeting_->size(); }
  std::string backend() const override { return "threads"; }
  void abandon() noexcept override { meeting_->leave(rank_); }

  /// Each rank reduces its own part and writes it to everyone.
  void all_reduce(Buffer buffer, ReduceOp op) override {
    const std::vector<Call> all = meeting_->meet(rank_, {Operation::all_reduce, buffer});
    const std::int64_t start = buffer.count * rank_ / size(),
                       end = buffer.count * (rank_ + 1) / size();
    const Buffer own = buffer.part(start, end - start);
    const std::int64_t offset = start * buffer.element_bytes();
    reduce_from(all, own, offset, op);
    for (const Call& other : all) {
      if (other.buffer.data != buffer.data) copy(other.buffer.data + offset, own);
    }
    barrier();
  }

  void broadcast(Buffer buffer, int root) override {
    const std::vector<Call> all = meeting_->meet(rank_, {Operation::broadcast, buffer});
    if (rank_ != root) copy(buffer.data, all[static_cast<std::size_t>(root)].buffer);
    barrier();
  }

  void all_gather(Buffer output, Buffer input) override {
    const std::vector<Call> all = meeting_->meet(rank_, {Operation::all_gather, input});
    std::byte* place = output.data;
    for (const Call& other : all) {
      copy(place, other.buffer);
      place += input.bytes();
    }
    barrier();
  }

  void reduce_scatter(Buffer output, Buffer input) override {
    const std::vector<Call> all = meeting_->meet(rank_, {Operation::reduce_scatter, input});
    reduce_from(all, output, rank_ * output.bytes(), ReduceOp::sum);
    barrier();
  }

  void all_to_all(Buffer output, Buffer input) override {
    const std::vector<Call> all = meeting_->meet(rank_, {Operation::all_to_all, input});
    const std::int64_t count = input.count / size();
    std::byte* place = output.data;
    for (const Call& other : all) {
      const Buffer part = other.buffer.part(rank_ * count, count);
      copy(place, part);
      place += part.bytes();
    }
    barrier();
  }

  void send(Buffer buffer, int peer, int tag) override { meeting_->send(buffer, rank_, peer, tag); }
  void recv(Buffer buffer, int peer, int tag) override { meeting_->recv(buffer, peer, rank_, tag); }
  void barrier() override { meeting_->meet(rank_, {}); }

  std::unique_ptr<Transport> split(int color, int key) override {
    Wish mine{color, key, nullptr, 0};
    const std::vector<Call> all = meeting_->meet(rank_, {Operation::barrier, {}, &mine});
    std::vector<Wish*> members;
    for (const Call& other : all) {
      if (other.wish && other.wish->color == color) members.push_back(other.wish);
    }
    std::ranges::stable_sort(members, {}, &Wish::key);  // ties: by rank
    if (color >= 0 && members.front() == &mine) {
      const auto meeting = std::make_shared<Meeting>(static_cast<int>(members.size()));
      for (std::size_t i = 0; i < members.size(); ++i) {
        members[i]->meeting = meeting;
        members[i]->rank = static_cast<int>(i);
      }
    }
    barrier();
    return color < 0 ? nullptr
                     : std::make_unique<ThreadTransport>(std::move(mine.meeting), mine.rank);
  }

 private:
  static void copy(std::byte* target, Buffer source) {
    if (source.count > 0)
      std::memcpy(target, source.data, static_cast<std::size_t>(source.bytes()));
  }

  static void reduce_from(const std::vector<Call>& all, Buffer output, std::int64_t offset,
                          ReduceOp op) {
    std::vector<const std::byte*> parts;
    parts.reserve(all.size());
    for (const Call& one : all) parts.push_back(one.buffer.data + offset);
    local_reduce(output, parts, op);
  }

  std::shared_ptr<Meeting> meeting_;
  int rank_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_thread_group(int size) {
  if (size < 1) fail("make_thread_group: size " + std::to_string(size) + " is less than 1");
  const auto meeting = std::make_shared<Meeting>(size);
  std::vector<std::unique_ptr<Communicator>> group;
  group.reserve(static_cast<std::size_t>(size));
  for (int rank = 0; rank < size; ++rank) {
    group.push_back(
        std::make_unique<QueuedCommunicator>(std::make_unique<ThreadTransport>(meeting, rank)));
  }
  return group;
}

}  // namespace spillway::comm
