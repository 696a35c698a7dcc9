package provider

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"cross-account-s3/lab/account"
)

// Operation is something the engine asks of a resource.
type Operation struct {
	// Context ends when the engine no longer waits for the answer.
	Context context.Context
	URN     resource.URN
	// Kind is create, read, update or delete.
	Kind string
}

// Options are what the providers of one command of the Pulumi CLI need.
type Options struct {
	World *account.World
	// Directory is where the command runs, the project's directory. The engine does not tell it to providers, but the paths of
	// archives are relative to it.
	Directory string
	// Caller are the credentials the command has, for a stack that is meant for these accounts (none given: any).
	Caller func(accountIDs []string) (account.Key, error)
	// Observe is told each operation before it happens, and can hold it up; nil where nobody looks.
	Observe func(Operation)
}

// Server serves the providers to the engine.
type Server struct {
	servers []*grpc.Server
	ports   map[string]int
}

// Start serves the providers aws and command on free ports of the loopback interface.
func Start(ctx context.Context, options Options) (*Server, error) {
	sessions := &sessions{byID: map[*connection]*session{}}
	server := &Server{ports: map[string]int{}}
	for name, provider := range map[string]pulumirpc.ResourceProviderServer{
		"aws": &aws{
			world: options.World, directory: options.Directory, caller: options.Caller, observe: options.Observe, sessions: sessions,
		},
		"command": &command{},
	} {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			server.Close()
			return nil, fmt.Errorf("serving the provider %s: %w", name, err)
		}
		address, isTCP := listener.Addr().(*net.TCPAddr)
		if !isTCP {
			server.Close()
			return nil, errors.Join(fmt.Errorf("serving the provider %s: %s is no TCP address", name, listener.Addr()), listener.Close())
		}
		// The code of a function is in no request, but policies and outputs are, and large stacks send them all at once.
		serving := grpc.NewServer(grpc.StatsHandler(sessions), grpc.MaxRecvMsgSize(largestMessage))
		pulumirpc.RegisterResourceProviderServer(serving, provider)
		go func() { _ = serving.Serve(listener) }() // Serve ends with the server.
		server.servers = append(server.servers, serving)
		server.ports[name] = address.Port
	}
	return server, nil
}

const largestMessage = 400 << 20 // As the engine's own.

// Ports are those of the providers, by their names.
func (s *Server) Ports() map[string]int { return s.ports }

// Close ends the servers and whatever they still do.
func (s *Server) Close() {
	for _, server := range s.servers {
		server.Stop()
	}
}
