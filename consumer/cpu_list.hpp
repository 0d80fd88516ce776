// The processors a program may run on (--cpus). With few producers in lock step, waking a thread on
// another processor costs more than the work itself.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace blocky {

// "0,2-3" names processors 0, 2 and 3. Nothing when it is not such a list, or names none.
std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);

// Restricts this thread, and all that it starts from now on. Throws std::system_error when this
// machine does not have the processors, or the program may not use them: sched_setaffinity(2).
void run_on(const std::vector<unsigned>& cpus);

}  // namespace blocky
