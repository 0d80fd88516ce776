// One HTTP client's connection, as httplib reads and writes it, with what httplib has not: a limit
// to the head as a whole and to the time that it may take, and to the time that an answer may take.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <httplib.h>

#include "common/clock.hpp"

namespace blocky {

// For one thread, though another may shut the socket down, which ends every wait.
class ClientStream final : public httplib::Stream {
public:
    // The descriptor, non-blocking, stays the caller's.
    explicit ClientStream(int descriptor) : descriptor_(descriptor) {}

    enum class Head { kComplete, kTooLong, kNone };
    // Waits for the whole head, for so long at most; read() gives what matters of it.
    Head receive_head(Duration patience);
    // Says that nothing more comes, and reads what the client still sends for a moment: else the
    // system would tear the connection down, and the answer with it, before it was read.
    void finish();

    bool is_readable() const override { return head_read_ < head_.size(); }
    // False too when the client has gone.
    bool is_writable() const override;
    ssize_t read(char* data, size_t size) override;
    ssize_t write(const char* data, size_t size) override;
    void get_remote_ip_and_port(std::string& ip, int& port) const override;
    void get_local_ip_and_port(std::string& ip, int& port) const override;
    // For httplib, which only looks whether select(2) could take it.
    socket_t socket() const override { return 0; }

private:
    bool wait_for(short events, TimePoint deadline) const;
    // How many bytes came; 0 at the end, or if none came in time.
    std::size_t receive(char* data, std::size_t size, TimePoint deadline) const;

    int descriptor_;
    std::string head_;
    std::size_t head_read_ = 0;        // so much of it httplib has
    std::optional<TimePoint> cut_at_;  // if it has not caught up; set while it lags behind
};

}  // namespace blocky
