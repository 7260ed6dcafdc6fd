/* Making and freeing channels, and their state. */
#include "channel_record.h"

#include "../core/fork.h"

#include <errno.h>
#include <stdlib.h>

/* The size of a type is a multiple of its alignment. Small slots save cache lines. */
static size_t natural_alignment(size_t size) {
    size_t alignment = size & -size;
    return alignment > 0 && alignment < _Alignof(max_align_t) ? alignment : _Alignof(max_align_t);
}

int green_channel_make(green_channel **made, const green_channel_options *options) {
    int error = green__segmented_buffer_check("channel", options->capacity, options->element_size, options->alignment);
    if (error < 0)
        return error;
    green_channel *channel = aligned_alloc(GREEN_CHANNEL_APART, sizeof *channel);
    if (!channel)
        return green__fail(-ENOMEM, "cannot create a channel");
    green__fork_watch();
    *channel = (green_channel){
        .references = 1,
        .generation = green__generation,
        .limit = options->capacity < 0 ? SIZE_MAX : (size_t)options->capacity,
        .options = *options,
        .passes_words = options->element_size == sizeof(uint64_t) && !options->move && options->capacity != 0,
        .send_lock = GREEN_BIASED_LOCK_INITIALIZER,
        .receive_lock = GREEN_BIASED_LOCK_INITIALIZER,
        .in = &channel->buffers[0].buffer,
        .out = &channel->buffers[1].buffer,
    };
    green__wait_list_init(&channel->receivers);
    green__wait_list_init(&channel->senders);
    for (int i = 0; i < 2; i++) {
        green__segmented_buffer_init(&channel->buffers[i].buffer, options->element_size,
                                     options->alignment ? options->alignment
                                                        : natural_alignment(options->element_size));
        green__segmented_buffer_expect(&channel->buffers[i].buffer,
                                       options->capacity < 0 ? 0 : (size_t)options->capacity);
    }
    *made = channel;
    return 0;
}

green_channel *green_channel_retain(green_channel *channel) {
    __atomic_fetch_add(&channel->references, 1, __ATOMIC_RELAXED);
    return channel;
}

static void destroy_elements(green_channel *channel, green_segmented_buffer *buffer, size_t count) {
    for (; count > 0 && channel->options.destroy; count--)
        channel->options.destroy(green__segmented_buffer_pop_front(buffer), channel->options.context);
    green__segmented_buffer_destroy(buffer);
}

/* The elements of an inherited channel stay: another OS thread of the parent may have been
 * moving one of them when it forked. */
void green_channel_release(green_channel *channel) {
    if (!channel || __atomic_sub_fetch(&channel->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (!green__is_inherited(channel->generation)) {
        GREEN_INVARIANT(channel->receiving == 0 && channel->sending == 0,
                        "no thread waits for a channel when its last owner releases it");
        destroy_elements(channel, channel->out, channel->swapped - channel->taken);
        destroy_elements(channel, channel->in, channel->sent - channel->swapped);
    }
    free(channel);
}

bool green_channel_is_closed(const green_channel *channel) {
    return __atomic_load_n(&channel->closed, __ATOMIC_RELAXED);
}

int64_t green_channel_capacity(const green_channel *channel) {
    return channel->options.capacity;
}

size_t green_channel_count(const green_channel *channel) {
    size_t taken = green__channel_read(&channel->taken), count = green__channel_read(&channel->sent) - taken;
    return count < channel->limit ? count : channel->limit; /* others may have sent and taken in between */
}

size_t green_channel_receiving(const green_channel *channel) {
    return green__channel_read(&channel->receiving);
}

size_t green_channel_sending(const green_channel *channel) {
    return green__channel_read(&channel->sending);
}

int green__channel_fail(int error, bool sends, int64_t timeout) {
    const char *doing = sends ? "cannot send into a channel" : "cannot receive from a channel";
    switch (error) {
    case -ETIMEDOUT:
        return green__fail_timed_out(timeout, "%s: %s", doing, sends ? "no receiver made room" : "no element was sent");
    case -EBADF:
        return green__fail(error, "%s: it was closed", doing);
    case -ENOMEM:
        return green__fail(error, "%s: no memory", doing);
    case -EXDEV:
        return green__fail(error, "this channel belongs to the process before the fork");
    default:
        return error;
    }
}
