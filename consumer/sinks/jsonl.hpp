// `jsonl:PATH`: one line of JSON per message at the end of a file. `ok` means that the line is on
// the disk, synced, with all the others of its batch. Ids that are in the file already are answered
// as duplicates: the last `dedup_window` of them, over restarts, too.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "consumer/id_table.hpp"
#include "consumer/sink.hpp"
#include "consumer/sinks/file_system.hpp"
#include "consumer/sinks/jsonl_file.hpp"

namespace blocky {

// All failures after the constructor are transient: it goes on when the disk does.
class JsonlSink : public Sink {
public:
    // `system` must outlive it; `run` is written into every line. Throws std::runtime_error that
    // says why the file cannot be used, for instance because another consumer holds its lock.
    JsonlSink(FileSystem& system, std::string path, std::string run, std::uint64_t dedup_window);

    BatchResult process(const Batch& batch) override;
    std::optional<std::string> objection_to(const PushRequest& request) const override;
    // The ids stay known whatever file is found then.
    bool request_reopen() override {
        reopen_ = true;
        return true;
    }
    Summary summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const override;

private:
    std::optional<std::string> make_ready();
    void write_lines(const Batch& batch, std::vector<Verdict>& verdicts);
    void learn_ids();
    void remember(const std::vector<IdHash>& ids);

    const std::string name_;  // of the file, without its directory
    const std::string run_;
    const std::uint64_t dedup_window_;
    std::atomic<bool> reopen_{false};

    // The worker's thread only.
    JsonlFile file_;
    IdTable ids_;               // held: in the batch being processed
    std::vector<IdHash> held_;  // of ids_, in order
    std::string lines_;         // of the batch being processed
};

}  // namespace blocky
