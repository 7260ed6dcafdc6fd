// A program in which an object of this OS thread reaches another hub. The compiler must refuse it for each such object
// and each way to the other hub; a channel is allowed. `Tests/Consumers/run` selects both.
import Green

#if SOCKET
func make() throws -> Socket { try Socket.pair().0 }
#elseif QUEUE
func make() throws -> Queue<Int> { Queue() }
#elseif THREAD
func make() throws -> GreenThread<Int> { spawn { 1 } }
#else
func make() throws -> Channel<Int> { Channel() }
#endif

func program() throws {
    let hubs = try HubPool(count: 1)
    let object = try make()
    #if SPAWN
    hubs[0].spawn { _ = object }
    #elseif DETACH
    hubs[0].detach { _ = object }
    #elseif RESULT
    hubs[0].spawn { try make() }
    #elseif SERVE
    try serve(on: "127.0.0.1:0", hubs: hubs) { _, _ in _ = object }
    #elseif SERVER
    _ = try Server(on: "127.0.0.1:0", hubs: hubs) { _, _ in _ = object }
    #elseif SEND
    try Channel().send(object)
    #endif
}

try program()
