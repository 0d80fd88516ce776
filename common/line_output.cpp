// Non-blocking writes through a descriptor of our own where the system gives one.
#include "common/line_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

namespace blocky {

LineOutput::LineOutput(int descriptor) : descriptor_(descriptor) {
    struct stat status {};
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
        may_block_ = false;  // files do not make a writer wait for a reader
        return;
    }
    if ((fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        return;  // was closed when the program started: see set_up_logging()
    }
    // Linux gives a new open file description here, whose O_NONBLOCK is ours alone; proc(5).
    const auto path = fmt::format("/proc/self/fd/{}", descriptor);
    const int own = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
        descriptor_ = own;
        own_ = true;
        may_block_ = false;
    } else if (own >= 0) {
        close(own);
    }
}

LineOutput::~LineOutput() {
    if (own_) {
        close(descriptor_);
    }
}

bool LineOutput::put(std::string_view text, std::string_view end) {
    if (!flush_rest()) {
        ++dropped_;
        return false;
    }
    rest_.assign(text).append(end);
    const auto whole = rest_.size();
    if (!flush_rest() && rest_.size() == whole) {
        rest_.clear();
        ++dropped_;
        return false;
    }
    return true;
}

// False, with errno set, when there is no room for all of it now.
bool LineOutput::flush_rest() {
    while (!rest_.empty()) {
        pollfd room{descriptor_, POLLOUT, 0};
        if (may_block_ && poll(&room, 1, 0) != 1) {
            errno = EAGAIN;
            return false;
        }
        const auto written = ::write(descriptor_, rest_.data(), rest_.size());
        if (written < 0 && errno != EINTR) {
            return false;
        }
        rest_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return true;
}

}  // namespace blocky
