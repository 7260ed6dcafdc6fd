// Tasks on hubs that block in synchronous code, for programs with a static and with a dynamic Swift runtime: each Task
// checks its name and its task-local at each step.
import Green

struct Mixed: Error {
    let name: String?
    let id: Int
}

enum Request {
    @TaskLocal static var id = 0
}

func checkItself(_ id: Int) throws {
    guard Task.name == "task \(id)", Request.id == id else { throw Mixed(name: Task.name, id: Request.id) }
}

func block(rounds: Int, as id: Int) throws {
    for _ in 0..<rounds {
        try GreenThread.yield()
        try checkItself(id)
    }
}

func send(_ result: Result<Void, any Error>, to results: Channel<Result<Void, any Error>>) {
    try? results.send(result)
}

let (tasks, rounds) = (50, 1000)
let hubs = try HubPool(count: 1)
let results = Channel<Result<Void, any Error>>()
for hub in [try Hub.current, hubs[0]] {
    for id in 1...tasks {
        Request.$id.withValue(id) {
            _ = Task(name: "task \(id)", executorPreference: hub) {
                do {
                    for _ in 0..<10 {
                        try block(rounds: rounds / 10, as: id)
                        await Task.yield()
                        try checkItself(id)
                    }
                    send(.success(()), to: results)
                } catch {
                    send(.failure(error), to: results)
                }
            }
        }
    }
}
for _ in 0..<tasks * 2 {
    try results.receive().get()
}
try hubs.close()
guard Request.id == 0 else { throw Mixed(name: nil, id: Request.id) }
print("\(tasks) Tasks blocked \(rounds) times on each of 2 hubs")
