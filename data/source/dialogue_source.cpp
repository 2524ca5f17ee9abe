// Dialogues: JSON lines with turns, and YAML in the form of the ChatterBot corpus. The turns of a
// sample are joined by newlines.
#include <yaml-cpp/yaml.h>

#include <map>
#include <nlohmann/json.hpp>

#include "configs/error.hpp"
#include "data/source/language.hpp"
#include "data/source/source.hpp"
#include "data/source/utf8.hpp"

namespace spillway::data {
namespace {

void add_turn(Sample& sample, const std::string& role, const std::string& text) {
  if (!sample.turns.empty()) sample.bytes.push_back('\n');
  const auto begin = static_cast<std::uint32_t>(sample.bytes.size());
  sample.bytes += text;
  sample.turns.push_back({begin, static_cast<std::uint32_t>(sample.bytes.size()), role});
}

/// The role in our words, of the names that data sets use.
std::string canonical_role(const std::string& name) {
  static const std::map<std::string, std::string> kRoles{
      {"user", "user"},     {"human", "user"},    {"assistant", "assistant"},
      {"gpt", "assistant"}, {"bot", "assistant"}, {"model", "assistant"},
      {"system", "system"}, {"tool", "tool"}};
  const auto found = kRoles.find(name);
  if (found == kRoles.end()) fail_choice("role", name, "user | assistant | system | tool");
  return found->second;
}

/// {"turns": [{"role", "text"}]}, or the same under the names "messages" and "content".
Sample dialogue_of_json(const nlohmann::json& record) {
  if (!record.is_object()) fail_input("not an object");
  const bool messages = !record.contains("turns") && record.contains("messages");
  if (!messages && !record.contains("turns")) fail_input("no \"turns\"");
  Sample sample;
  sample.category = Category::dialogue;
  for (const nlohmann::json& turn : record.at(messages ? "messages" : "turns")) {
    const char* text = turn.contains("text") || !turn.contains("content") ? "text" : "content";
    add_turn(sample, canonical_role(turn.at("role").get<std::string>()),
             turn.at(text).get<std::string>());
  }
  if (sample.turns.empty()) fail_input("\"turns\" is empty");
  sample.language = record.value("language", std::string());
  return sample;
}

/// Conversations that are lists of two or more plain utterances.
bool dialogue_of_yaml(const YAML::Node& conversation, Sample& sample) {
  if (!conversation.IsSequence() || conversation.size() < 2) return false;
  for (const YAML::Node& utterance : conversation) {
    if (!utterance.IsScalar() || !is_utf8(utterance.Scalar())) return false;
    add_turn(sample, sample.turns.size() % 2 == 0 ? "user" : "assistant", utterance.Scalar());
  }
  return true;
}

/// The conversations of the document; nothing when it is no dialogue file.
YAML::Node find_conversations(const SourceFile& file, const std::string& text) {
  const bool candidate = text.find("conversations:") != std::string::npos;
  if (!candidate && !file.named) return {};
  try {
    const YAML::Node document = YAML::Load(text);
    if (document.IsMap() && document["conversations"] && document["conversations"].IsSequence())
      return document["conversations"];
  } catch (const YAML::Exception& error) {
    fail_input(file.path.string() + ":" + std::to_string(error.mark.line + 1) + ": not YAML (" +
               error.msg + ")");
  }
  if (file.named)
    fail_input(file.path.string() + ": no list \"conversations\", so it holds no dialogues");
  return {};
}

}  // namespace

void read_json_lines(const SourceFile& file, const std::string& text, const SourceOptions& options,
                     const Emit& emit) {
  const std::string of_path = language_of_path(file.path);
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Sample sample;
    try {
      sample = dialogue_of_json(nlohmann::json::parse(line));
    } catch (const std::exception& error) {
      fail_input(file.path.string() + ":" + std::to_string(number) +
                 ": not a dialogue {\"turns\": [{\"role\", \"text\"}, ...]}: " + error.what());
    }
    if (!options.language.empty()) sample.language = options.language;
    if (sample.language.empty()) sample.language = language_of(sample.bytes, of_path);
    sample.origin = file.origin + ":" + std::to_string(number);
    emit(std::move(sample));
  }
}

void read_yaml(const SourceFile& file, const std::string& text, const SourceOptions& options,
               const Emit& emit, LeftOut& left_out) {
  const YAML::Node conversations = find_conversations(file, text);
  if (!conversations.IsSequence()) {
    ++left_out["YAML without conversations (files)"];
    return;
  }
  const std::string of_path = language_of_path(file.path);
  for (const YAML::Node& conversation : conversations) {
    Sample sample;
    if (!dialogue_of_yaml(conversation, sample)) {
      ++left_out["conversations of fewer than two plain utterances"];
      continue;
    }
    sample.category = Category::dialogue;
    sample.language =
        options.language.empty() ? language_of(sample.bytes, of_path) : options.language;
    sample.origin = file.origin + ":" + std::to_string(conversation.Mark().line + 1);
    emit(std::move(sample));
  }
}

}  // namespace spillway::data
