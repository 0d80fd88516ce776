// The plain values' few functions.
#include "consumer/batch.hpp"

namespace blocky {

Message::Message(std::uint64_t number, std::string_view producer, std::string_view id,
                 std::string_view value)
    : number_(number),
      producer_size_(static_cast<std::uint32_t>(producer.size())),
      id_size_(static_cast<std::uint32_t>(id.size())) {
    text_.reserve(producer.size() + id.size() + value.size());
    text_.append(producer).append(id).append(value);
}

std::string_view to_string(Trigger trigger) {
    switch (trigger) {
        case Trigger::kTimer:
            return "timer";
        case Trigger::kItems:
            return "items";
        case Trigger::kBytes:
            return "bytes";
        case Trigger::kDrain:
            return "drain";
    }
    return "unknown";
}

}  // namespace blocky
