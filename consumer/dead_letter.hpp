// The file of rejected messages (--dead-letter): one JSON line for each, on the disk before the
// producer is told, with all that it takes to send the message again (blocky-producer --replay).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consumer/batch.hpp"
#include "consumer/file_calls.hpp"

namespace blocky {

// A message that the sink refuses, and why; views of the batch and of its verdict.
struct DeadMessage {
    const Message* message = nullptr;
    std::string_view error;  // the sink's own words
    std::uint64_t batch = 0;
    unsigned attempts = 0;  // calls to the sink that it took part in
};

// {"ts":…,"run":…,"error":…,"producer":…|null,"batch":…,"attempts":…,
//  "payload":{"value":…,"id":…,"producer":…}} and a newline; `ts` is `now`. The payload is a
//  request
// body: the value as it was received, but that a line break between two of its tokens becomes a
// space, the id that the sink was given (stored_id), and the producer if there is one.
std::string dead_letter_line(const DeadMessage& dead, const std::string& run, WallTime now);

// Constructed by the main thread, then used by the worker's.
class DeadLetter {
public:
    // Opens the file, makes it if absent (mode 0640 less the umask) and locks it with flock(2): two
    // consumers cannot share one, since each cuts off what a crash or a full disk left of its last
    // line. A reader needs no lock. Throws std::runtime_error, one sentence that names the file,
    // when that fails, another process has the lock, or it ends in something else than such lines.
    // `calls` must outlive it.
    DeadLetter(std::string path, std::string run, FileCalls& calls = system_calls());
    ~DeadLetter();
    DeadLetter(const DeadLetter&) = delete;
    DeadLetter& operator=(const DeadLetter&) = delete;

    // Adds a line for each, in one write, and syncs it: nothing when all are on the disk. Else one
    // sentence that says why not; then the file is as it was before, or, when that fails too, will
    // be by the next call or the end of this object.
    // Where the file was moved away or removed meanwhile, one of its name is made anew.
    std::optional<std::string> append(const std::vector<DeadMessage>& messages);

    const std::string& path() const { return path_; }

private:
    void open_file();
    void close_file();
    void cut_torn_line(std::uint64_t size);
    std::uint64_t size() const;
    bool is_in_place() const;
    bool take_back();
    void make_ready();
    void write_all(std::string_view text);

    std::string path_;
    std::string run_;
    FileCalls& calls_;
    int file_ = -1;                        // -1: to be opened
    std::optional<std::uint64_t> cut_to_;  // what is behind it is of an append() that failed
};

}  // namespace blocky
