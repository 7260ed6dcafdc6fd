# Faults that are planted into a copy of one file of csrc:
#
#     mutant(name file "code" "code with the fault")
#
# The code must occur in the file once. The simulation must find each fault.

# The wake-up protocol.
mutant(wake_never core/inbox "if (before == &sleeping)" "if (before == &closed)")
mutant(wake_always core/inbox "if (before == &sleeping)" "if (before == &sleeping || !before)")
mutant(wake_uncounted core/inbox "green__counter_increment(&inbox->wakes)" "(void)inbox")
mutant(sleep_with_posts core/event_loop "sleeps ? timeout : 0" "timeout")
mutant(sleep_not_atomic core/inbox
       "__atomic_compare_exchange_n(&inbox->newest, &empty, &sleeping, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)"
       "__atomic_load_n(&inbox->newest, __ATOMIC_RELAXED) == empty && (__atomic_store_n(&inbox->newest, &sleeping, __ATOMIC_RELAXED), true)")
mutant(awake_not_atomic core/inbox
       "__atomic_compare_exchange_n(&inbox->newest, &state, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)"
       "(inbox->newest == state && (__atomic_store_n(&inbox->newest, NULL, __ATOMIC_RELAXED), true))")

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
mutant(channel_waiters_reversed sync/channel "green__wait_list_append(sends ? &channel->senders : &channel->receivers,"
       "green__wait_list_append((sends ? &channel->senders : &channel->receivers)->next,")
mutant(channel_stores_past_receivers sync/channel "    if (!green__wait_list_is_empty(&channel->receivers)) {"
       "    if (channel->limit == 0 && !green__wait_list_is_empty(&channel->receivers)) {")
mutant(channel_takes_from_senders_first sync/channel "if (GREEN_LIKELY(channel->count > 0))"
       "if (channel->count > 0 && green__wait_list_is_empty(&channel->senders))")
mutant(channel_exceeds_bound sync/channel "if (channel->count >= channel->limit)" "if (channel->count > channel->limit)")
mutant(channel_admits_nobody sync/channel "            admit(channel, woken);" "            (void)admit;")
mutant(channel_waits_without_another_try sync/channel
       "int done = now(channel, element, &woken);\n    if (done == 0) {" "(void)now;\n    int done = 0;\n    if (done == 0) {")

# The close of channels.
mutant(channel_close_leaves_receivers sync/channel
       "last = served(take(&channel->receivers, &channel->receiving), -EBADF, last);" "break;")
mutant(channel_close_leaves_senders sync/channel
       "last = served(take(&channel->senders, &channel->sending), -EBADF, last);" "break;")
mutant(channel_close_drops_elements sync/channel "if (GREEN_LIKELY(channel->count > 0))"
       "if (channel->count > 0 && !channel->closed)")
mutant(channel_close_too_late sync/channel
       "    __atomic_store_n(&channel->closed, true, __ATOMIC_RELAXED);\n" "    channel->closed = channel->count == 0;\n")

# Waits that are served by one OS thread while another one ends them.
mutant(wait_served_and_failed core/shared_wait "GREEN_LIKELY(wait->served) ? 0" "!wait->wait.cancelled ? 0")
mutant(wait_readied_twice core/shared_wait "    if (leave(shared_wait_of(wait)))\n        green__ready"
       "    leave(shared_wait_of(wait));\n    green__ready")
mutant(wait_timed_out_and_served core/shared_wait "left = leave(wait);" "left = leave(wait) || true;")
mutant(wait_blocks_too_late core/shared_wait
       "    if (__atomic_compare_exchange_n(&wait->os_thread, &running, BLOCKED, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))\n"
       "    if (__atomic_load_n(&wait->os_thread, __ATOMIC_ACQUIRE) == running)\n        for (__atomic_store_n(&wait->os_thread, BLOCKED, __ATOMIC_RELAXED); running == RUNNING; running = WOKEN)\n")
mutant(wait_woken_without_futex core/shared_wait "__ATOMIC_RELEASE) == BLOCKED)" "__ATOMIC_RELEASE) == WOKEN)")
mutant(wait_of_dead_hub core/hub "    green__shared_waits_leave(green__hub);\n" "")
mutant(lock_forgets_waiters base/short_lock "GREEN_SHORT_LOCK_CONTENDED, __ATOMIC_ACQUIRE)" "GREEN_SHORT_LOCK_HELD, __ATOMIC_ACQUIRE)")

# Remote threads and promises.
mutant(remote_lost_unseen core/hub "    green__loss_observers_run(green__hub);\n" "")
mutant(remote_waits_for_finished hubs/remote_thread "bool waits = !thread->finished;" "bool waits = true;")
mutant(remote_finished_before_result hubs/remote_thread
       "    thread->result = result;\n    thread->lost = lost;\n    __atomic_store_n(&thread->finished, true, __ATOMIC_RELEASE);\n"
       "    __atomic_store_n(&thread->finished, true, __ATOMIC_RELEASE);\n    thread->result = result;\n    thread->lost = lost;\n")
mutant(remote_killed_twice hubs/remote_thread "bool begins = !thread->finished && !thread->kill_posted;"
       "bool begins = !thread->finished;")
mutant(promise_sent_twice sync/promise "bool first = !promise->sent;" "bool first = true;")
mutant(promise_waits_for_sent sync/promise "bool waits = !promise->sent;" "bool waits = true;")
mutant(promise_sent_before_value sync/promise
       "        promise->value = value;\n        promise->error = error;\n        __atomic_store_n(&promise->sent, true, __ATOMIC_RELEASE);\n"
       "        __atomic_store_n(&promise->sent, true, __ATOMIC_RELEASE);\n        promise->value = value;\n        promise->error = error;\n")
