/// A request of a test, whose id is a task-local.
enum Request {
    @TaskLocal static var id = 0
}
