// A counter in the kernel, of which only zero and not zero matter.
#include "common/event_descriptor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace blocky {

EventDescriptor::EventDescriptor() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

EventDescriptor::~EventDescriptor() {
    close(descriptor_);
}

void EventDescriptor::raise() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
}

void EventDescriptor::lower() const {
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto got = read(descriptor_, &ignored, sizeof ignored);
}

}  // namespace blocky
