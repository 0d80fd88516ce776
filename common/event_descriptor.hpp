// A flag that one thread raises and that another one's poll sees: eventfd(2).
#pragma once

namespace blocky {

class EventDescriptor {
public:
    // Throws std::system_error.
    EventDescriptor();
    ~EventDescriptor();
    EventDescriptor(const EventDescriptor&) = delete;
    EventDescriptor& operator=(const EventDescriptor&) = delete;

    // Readable from raise() until lower(); for poll, never to be read.
    int get() const { return descriptor_; }

    // Any thread may call these, however often.
    void raise() const;
    void lower() const;

private:
    int descriptor_;
};

}  // namespace blocky
