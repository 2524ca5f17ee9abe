#pragma once

// Samples of every kind for the tests of the operators, and a pool of them in memory.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "data/mutate/characters.hpp"
#include "data/mutate/operator.hpp"

namespace spillway::data {

class MemoryPool : public SamplePool {
 public:
  explicit MemoryPool(std::vector<Sample> samples) : samples_(std::move(samples)) {
    for (std::size_t i = 0; i < samples_.size(); ++i) samples_[i].id = i;
  }
  std::uint64_t size() const override { return samples_.size(); }
  Sample get(std::uint64_t index) const override { return samples_.at(index); }

 private:
  std::vector<Sample> samples_;
};

inline Sample text(std::string bytes, std::string language = "en") {
  Sample sample;
  sample.bytes = std::move(bytes);
  sample.language = std::move(language);
  sample.origin = "test";
  return sample;
}

/// Turns by turns, user first, joined by a newline as the sources do.
inline Sample dialogue(const std::vector<std::string>& turns, std::string language = "en") {
  Sample sample = text("", std::move(language));
  sample.category = Category::dialogue;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (i > 0) sample.bytes += '\n';
    const auto begin = static_cast<std::uint32_t>(sample.bytes.size());
    sample.bytes += turns[i];
    sample.turns.push_back(
        {begin, static_cast<std::uint32_t>(sample.bytes.size()), i % 2 ? "assistant" : "user"});
  }
  return sample;
}

inline const std::vector<Sample>& prose() {
  static const std::vector<Sample> kProse{
      text("The scheduler is a part of the kernel. It can run 64 threads on every core, and it "
           "does not need more than 12 seconds to "
           "start. The driver is always loaded before the device is opened. The cache and the "
           "buffer are small. It is ready."),
      text("On March 4, 2021 the maintainers said that all files and directories must be writable. "
           "Users want to use the tool "
           "because its interface is simple. They read the manual with care, and then they wait "
           "for 30 minutes.\n\nThe queue holds "
           "128 entries. If the reader waits until the writer stops, the value is never lost. He "
           "asked the teacher about the book."),
      text("内核是一个系统程序，它可以管理内存和设备。驱动程序没有加载之前，设备不能打开。每个进程"
           "都有一个缓存，大小是 64 字节。所有文件必须在 2021年3月4日 "
           "之前关闭。这本书的作者已经开始写新的文档，用户非常喜欢它。调度器需要等待30秒，然后再次"
           "启动。",
           "zh"),
      text("老师告诉学生，下雨天的时候，图书馆总是开放的。他很高兴地走进教室，认真得写作业。首先打"
           "开文件，最后关闭程序。朋友和医生都知道这个系统的性能。",
           "zh"),
      text("The 内核 is small，but the 驱动 can be large. 他说 it is not 可以 open. See foo_bar(3) "
           "or e.g. /usr/share; 它有 3 pages. The word "
           "naïve and the cafe\u0301 are not ASCII."),
      dialogue({"How many pages does the book have?",
                "It has 240 pages. The author wrote it in 1998.", "Is the author still alive?",
                "Yes, she is. She lives in Oslo and writes every day.",
                "Thank you, that is good to know."}),
      dialogue({"你是机器人吗？", "是的，我是一个程序，可以回答你的问题。", "你喜欢什么音乐？",
                "我没有喜欢的音乐，但是我知道很多歌。"},
               "zh"),
      dialogue({"Hello!", "Hi, what can I do for you?"}),
  };
  return kProse;
}

/// A random text of `count` code points from ranges that are hard to edit: marks, joiners, emoji,
/// flags, Hangul jamo, controls, private use, CJK.
inline std::string random_unicode(RandomKey& key, std::uint64_t count) {
  static constexpr std::array<std::pair<char32_t, char32_t>, 18> kRanges{{
      {0x20, 0x7E},
      {0x61, 0x7A},
      {0x09, 0x0D},
      {0x00, 0x1F},
      {0xA0, 0xFF},
      {0x300, 0x34F},
      {0x600, 0x605},
      {0x900, 0x94F},
      {0x1100, 0x11FF},
      {0xAC00, 0xACFF},
      {0x200B, 0x200F},
      {0x2028, 0x202E},
      {0x4E00, 0x9FFF},
      {0xFE00, 0xFE0F},
      {0x1F1E6, 0x1F1FF},
      {0x1F466, 0x1F469},
      {0xE0100, 0xE0120},
      {0xE000, 0xE010},
  }};
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto [first, last] = kRanges[key.below(kRanges.size())];
    append_utf8(text, static_cast<char32_t>(first + key.below(last - first + 1)));
  }
  return text;
}

/// The prose with `pieces` random code point runs thrown in.
inline Sample salted(const Sample& sample, RandomKey& key, std::uint64_t pieces) {
  std::string bytes;
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < pieces; ++i) {
    std::size_t next = at + key.below(sample.bytes.size() - at + 1);
    while (next < sample.bytes.size() &&
           (static_cast<unsigned char>(sample.bytes[next]) & 0xC0) == 0x80)
      ++next;
    bytes += sample.bytes.substr(at, next - at) + random_unicode(key, 1 + key.below(4));
    at = next;
  }
  return text(bytes + sample.bytes.substr(at), sample.language);
}

inline const Operator& find_operator(std::string_view name) {
  const std::vector<const Operator*> found = select_operators(name);
  return *found.at(0);
}

}  // namespace spillway::data
