// The rules of policies.rego as a Pulumi policy pack: with `pulumi preview --policy-pack policypack`, and with up, they judge any
// Pulumi program, in whichever language it is written.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"cross-account-s3/policy"
)

func main() {
	if err := serve(context.Background(), os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "policy pack: %v\n", err)
		os.Exit(1)
	}
}

// serve answers the engine until it ends the process. The engine reads on out where to connect: nothing is said there before the rules are
// ready, so that what is wrong with them, or with the exceptions, fails the deployment.
func serve(ctx context.Context, out io.Writer) error {
	// Pulumi runs a pack in the directory of the program that it judges.
	exceptions, err := policy.ProjectExceptions()
	if err != nil {
		return err
	}
	rules, err := policy.NewRules(ctx, exceptions...)
	if err != nil {
		return err
	}
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Init: func(server *grpc.Server) error {
		pulumirpc.RegisterAnalyzerServer(server, newPack(rules))
		return nil
	}})
	if err != nil {
		return fmt.Errorf("listening for the engine: %w", err)
	}
	if _, err := fmt.Fprintln(out, server.Port); err != nil {
		return fmt.Errorf("telling the engine where to connect: %w", err)
	}
	return <-server.Done
}
