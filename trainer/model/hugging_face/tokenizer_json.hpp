#pragma once

#include <cstdint>
#include <string>

namespace spillway::trainer {

/// tokenizer.json of the byte tokenizer for Hugging Face `tokenizers`: a byte-level BPE without
/// merges, so that text of any kind gives the ids of its UTF-8 bytes. Control tokens are in the
/// vocabulary, where text can never reach them: it takes merges to make an entry longer than a
/// byte.
std::string tokenizer_json();

/// tokenizer_config.json: the class that reads it, and the context of the model.
std::string tokenizer_config_json(std::int64_t sequence_length);

}  // namespace spillway::trainer
