// Channels of Go, for comparison with bench/micro/channel.c. Prints the same lines of JSON.
//
//	green-bench-go-channel [--runs N] [--quick]
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"
)

const capacity, steps, quickScale = 1024, 4000000, 10

func pass(capacity, items int) float64 {
	channel := make(chan uint64, capacity)
	begin := time.Now()
	go func() {
		for i := uint64(0); i < uint64(items); i++ {
			channel <- i
		}
	}()
	sum := uint64(0)
	for i := 0; i < items; i++ {
		sum += <-channel
	}
	taken := time.Since(begin)
	if sum != uint64(items)*(uint64(items)-1)/2 {
		fmt.Fprintln(os.Stderr, "green-bench-go-channel: this does not hold: each item arrives once")
		os.Exit(1)
	}
	return float64(taken.Nanoseconds()) / float64(items)
}

func measure(name string, processors, capacity, items, runs int) {
	runtime.GOMAXPROCS(processors)
	pass(capacity, items)
	values := make([]float64, runs)
	texts := make([]string, runs)
	for i := range values {
		values[i] = pass(capacity, items)
		texts[i] = fmt.Sprintf("%.3f", values[i])
	}
	sort.Float64s(values)
	median := (values[(runs-1)/2] + values[runs/2]) / 2
	fmt.Printf("{\"name\":\"%s\",\"threads\":2,\"unit\":\"ns\",\"value\":%.3f,\"runs\":[%s]}\n",
		name, median, strings.Join(texts, ","))
}

func main() {
	runs := flag.Int("runs", 7, "runs of each figure")
	quick := flag.Bool("quick", false, "a tenth of the work")
	flag.Parse()
	items := steps
	if *quick {
		items /= quickScale
	}
	measure("Go: channel item", 1, capacity, items, *runs)
	measure("Go: channel rendezvous", 1, 0, items, *runs)
	measure("Go: channel item, two processors", 2, capacity, items, *runs)
}
