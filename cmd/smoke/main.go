// Command smoke tries what is deployed, from outside. `go run ./cmd/smoke -help` tells more.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second interrupt does not wait for the cleaning up.
	command := Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	code := command.Main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
