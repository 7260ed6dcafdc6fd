internal import CGreen

// The functions of csrc/core/task_state.h that need Swift.

/// The core finds the runtime's thread-local words by the effect of this task-local.
private enum TaskLocalProbe {
    @TaskLocal static var isBound = false
}

/// Called by the core when the first hub of the process is made.
@c(green_swift_task_runtime)
func greenTaskRuntime() -> UnsafePointer<green_task_runtime> {
    unsafe UnsafePointer(taskRuntime)
}

/// Never freed.
private nonisolated(unsafe) let taskRuntime: UnsafeMutablePointer<green_task_runtime> = {
    let runtime = UnsafeMutablePointer<green_task_runtime>.allocate(capacity: 1)
    unsafe runtime.initialize(
        to: green_task_runtime(
            with_task_local: { body, argument in
                TaskLocalProbe.$isBound.withValue(true) { unsafe body(argument) }
            },
            has_task_local: { TaskLocalProbe.isBound },
            in_task: { body, argument in
                InheritedTask().run { unsafe body(argument) }
            },
            inherit: { unsafe Unmanaged.passRetained(InheritedTask()).toOpaque() },
            run: { task, function, argument in
                var result: Int32 = 0
                unsafe Unmanaged<InheritedTask>.fromOpaque(task).takeRetainedValue().run {
                    result = unsafe function(argument)
                }
                return result
            },
            discard: { task in
                unsafe Unmanaged<InheritedTask>.fromOpaque(task).takeRetainedValue().run {}
            }
        )
    )
    return unsafe runtime
}()
