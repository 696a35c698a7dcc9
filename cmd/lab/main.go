// Command lab runs the project in two simulated AWS accounts. `lab help` tells more.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	command := Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	code := command.Main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
