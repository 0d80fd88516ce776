// Packs and unpacks envelopes.
#include "consumer/envelope.hpp"

namespace blocky {
namespace {

// The delimiter must be among the first 16 frames that the client sends; ZeroMQ adds the routing
// id.
constexpr std::size_t kMaxFrames = 1 + 16;

constexpr unsigned kSizeBits = 7;
constexpr unsigned kMoreBit = 1U << kSizeBits;

}  // namespace

void Envelope::append(std::string_view frame) {
    auto size = frame.size();
    for (; size >= kMoreBit; size >>= kSizeBits) {
        packed_ += static_cast<char>((size & (kMoreBit - 1)) | kMoreBit);
    }
    packed_ += static_cast<char>(size);
    packed_ += frame;
}

std::string_view Envelope::next_frame(std::size_t& at) const {
    std::size_t size = 0;
    unsigned shift = 0;
    unsigned byte = kMoreBit;
    while ((byte & kMoreBit) != 0) {
        byte = static_cast<unsigned char>(packed_[at++]);
        size |= static_cast<std::size_t>(byte & (kMoreBit - 1)) << shift;
        shift += kSizeBits;
    }
    const auto frame = std::string_view(packed_).substr(at, size);
    at += size;
    return frame;
}

std::string_view Envelope::connection() const {
    std::size_t at = 0;
    return packed_.empty() ? std::string_view() : next_frame(at);
}

RequestFrames::Part RequestFrames::add(std::string_view frame) {
    ++frames_;
    if (delimited_) {
        ++bodies_;
        return bodies_ == 1 ? Part::kBody : Part::kIgnored;
    }
    if (frames_ > kMaxFrames) {
        return Part::kIgnored;
    }
    envelope_.append(frame);
    // The routing id is never empty; a client's frame that is empty ends the envelope.
    delimited_ = frame.empty() && frames_ > 1;
    return Part::kEnvelope;
}

}  // namespace blocky
