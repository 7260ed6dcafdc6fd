# Faults that are planted into a copy of one file of csrc:
#
#     mutant(name file "code" "code with the fault")
#
# The code must occur in the file once. The simulation must find each fault. A file without
# an ending is a .c file.

# The wake-up protocol.
mutant(wake_never core/inbox "if (before == &sleeping)" "if (before == &closed)")
mutant(wake_always core/inbox "if (before == &sleeping)" "if (before == &sleeping || !before)")
mutant(wake_uncounted core/inbox "green__counter_increment(&inbox->wakes)" "(void)inbox")
mutant(sleep_with_posts core/event_loop "sleeps ? timeout : 0" "timeout")
mutant(sleep_not_atomic core/inbox
       "__atomic_compare_exchange_n(&inbox->newest, &empty, &sleeping, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)"
       "__atomic_load_n(&inbox->newest, __ATOMIC_RELAXED) == empty && (__atomic_store_n(&inbox->newest, &sleeping, __ATOMIC_RELAXED), true)")
mutant(awake_not_atomic core/inbox
       "if (!__atomic_compare_exchange_n(&inbox->newest, &state, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))"
       "if (!(inbox->newest == state && (__atomic_store_n(&inbox->newest, NULL, __ATOMIC_RELAXED), true)))")

# The order of posts.
mutant(order_taken_too_early core/inbox "if (!inbox->ordered && !inbox->unordered)" "if (!inbox->unordered)")
mutant(order_run_too_early core/inbox "!inbox->unordered && inbox->ordered && count < RUNS_MAX"
       "inbox->ordered && count < RUNS_MAX")

# The close of an inbox.
mutant(close_only_once core/hub_close "} while (!green__inbox_close(&hub->inbox));"
       "} while (0);\n    (void)green__inbox_close(&hub->inbox);")
mutant(close_not_atomic core/inbox
       "__atomic_compare_exchange_n(&inbox->newest, &empty, &closed, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)"
       "__atomic_load_n(&inbox->newest, __ATOMIC_RELAXED) == empty && (__atomic_store_n(&inbox->newest, &closed, __ATOMIC_RELAXED), true)")
mutant(close_before_wakes core/hub "green__engine_await_wakes(hub->engine, hub->inbox.wakes);"
       "green__engine_await_wakes(hub->engine, 0);")
mutant(close_drops_posts core/inbox "post->deliver(post, -ESRCH);" "(void)post;")

# The order of channels, and their rules.
mutant(channel_waiters_reversed sync/channel "green__wait_list_append(list, &wait->wait.wait)"
       "green__wait_list_append(list->next, &wait->wait.wait)")
mutant(channel_stores_past_receivers sync/channel "if (GREEN_UNLIKELY(channel->receiving) && (receiver"
       "if (channel->limit == 0 && channel->receiving && (receiver")
mutant(channel_takes_from_new_buffer sync/channel "if (channel->taken == channel->swapped)" "if (true)")
mutant(channel_exceeds_bound sync/channel "return channel->sent - channel->taken_seen >= channel->limit;"
       "return channel->sent - channel->taken_seen > channel->limit;")
mutant(channel_admits_nobody sync/channel "        admit(channel, woken);" "        (void)admit;")
mutant(channel_receives_with_half_a_lock sync/channel "if (channel->taken != channel->swapped && !channel->sending) {"
       "if (channel->taken != channel->swapped) {")

# The locks of channels, biased to one hub.
mutant(bias_ends_without_barrier sync/biased_lock "membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0" "true")
mutant(bias_ends_at_once sync/biased_lock "while (__atomic_load_n(&lock->inside, __ATOMIC_ACQUIRE))" "while (false)")
mutant(bias_left_without_wake sync/biased_lock "green__libc.syscall(SYS_futex, &lock->inside, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);" "(void)lock;")

# The close of channels.
mutant(channel_close_leaves_receivers sync/channel
       "while ((wait = take(&channel->receivers" "while (false && (wait = take(&channel->receivers")
mutant(channel_close_leaves_senders sync/channel
       "while ((wait = take(&channel->senders" "while (false && (wait = take(&channel->senders")
mutant(channel_close_drops_elements sync/channel "if (channel->sent != channel->taken) {"
       "if (channel->sent != channel->taken && !channel->closed) {")
mutant(channel_close_too_late sync/channel
       "    __atomic_store_n(&channel->closed, true, __ATOMIC_RELAXED);\n"
       "    channel->closed = channel->sent == channel->taken;\n")

# Waits that are served by one OS thread while another one ends them.
mutant(wait_served_and_failed core/shared_wait.h "GREEN_LIKELY(wait->served) ? 0" "!wait->wait.cancelled ? 0")
mutant(wait_readied_twice core/shared_wait "    if (green__shared_wait_leave(shared_wait_of(wait)))\n        green__ready"
       "    green__shared_wait_leave(shared_wait_of(wait));\n    green__ready")
mutant(wait_timed_out_and_served core/shared_wait "left = green__shared_wait_leave(wait);" "left = green__shared_wait_leave(wait) || true;")
mutant(wait_woken_without_futex core/shared_wait "__ATOMIC_RELEASE) == GREEN_OS_THREAD_BLOCKED)"
       "__ATOMIC_RELEASE) == GREEN_OS_THREAD_WOKEN)")
mutant(wait_of_dead_hub core/hub "    green__shared_waits_leave(hub);\n" "")
mutant(lock_forgets_waiters base/short_lock "GREEN_SHORT_LOCK_CONTENDED, __ATOMIC_ACQUIRE)" "GREEN_SHORT_LOCK_HELD, __ATOMIC_ACQUIRE)")

# Remote threads and promises.
mutant(remote_lost_unseen core/hub "    green__loss_observers_run(hub);\n" "")
mutant(remote_waits_for_finished sync/latch "bool waits = !latch->is_open;" "bool waits = true;")
mutant(remote_wakes_one_waiter sync/latch "(wait = green__wait_list_pop(&served));)"
       "(wait = green__wait_list_pop(&served)); green__wait_list_init(&served))")
mutant(remote_killed_twice hubs/remote_thread
       "bool begins = !green__latch_is_open(&thread->finished) && !thread->kill_posted;"
       "bool begins = !green__latch_is_open(&thread->finished);")
mutant(promise_sent_twice sync/promise "bool first = !green_promise_is_sent(promise);" "bool first = true;")
mutant(promise_sent_before_value sync/promise
       "    promise->value = value;\n    promise->error = error;\n    green__latch_open_locked(&promise->sent);\n"
       "    green__latch_open_locked(&promise->sent);\n    promise->value = value;\n    promise->error = error;\n")

# The hand-over of sockets.
mutant(socket_forgets_unread net/detached_socket "    to->unread = from->unread;\n" "")
mutant(socket_keeps_buffer net/detached_socket "green__unread_keep(socket, &socket->unread) < 0 ||" "")
mutant(socket_detached_in_use net/detached_socket "    if (!user)\n        return 0;" "    (void)user;\n    return 0;")
mutant(socket_counted_twice net/detached_socket "    hub->sockets--;\n" "")
