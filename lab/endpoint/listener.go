package endpoint

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// listener takes TLS and plain http on one port, so that a URL means the same with https and with http, as those of S3 do: SigV4 signs the
// host, which has the port in it, and not the scheme.
type listener struct {
	net.Listener
	config *tls.Config
}

// Accept waits for a connection. What it speaks is found out when it is first read from, so that one client cannot keep others waiting.
func (l listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &connection{Conn: accepted, config: l.config}, nil
}

// connection speaks TLS or plain http, whichever its client begins with.
type connection struct {
	net.Conn
	config *tls.Config
	begin  sync.Once
	failed error
	plain  *begun                   // what was read of it is read again
	secure atomic.Pointer[tls.Conn] // nil for plain http, and before the first byte
}

// handshakeRecord is the first byte of a connection that speaks TLS, and of no request in plain http.
//
// Source: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
const handshakeRecord = 22

func (c *connection) Read(into []byte) (int, error) {
	c.begin.Do(func() {
		first := make([]byte, 1)
		if _, c.failed = c.Conn.Read(first); c.failed != nil {
			return
		}
		c.plain = &begun{Conn: c.Conn, first: first}
		if first[0] == handshakeRecord {
			c.secure.Store(tls.Server(c.plain, c.config))
		}
	})
	if c.failed != nil {
		return 0, c.failed
	}
	if secure := c.secure.Load(); secure != nil {
		return secure.Read(into)
	}
	return c.plain.Read(into)
}

func (c *connection) Write(text []byte) (int, error) {
	if secure := c.secure.Load(); secure != nil {
		return secure.Write(text)
	}
	return c.Conn.Write(text)
}

// Close tells a client that speaks TLS that this is the end.
func (c *connection) Close() error {
	if secure := c.secure.Load(); secure != nil {
		return secure.Close()
	}
	return c.Conn.Close()
}

// begun is a connection whose first bytes have been read already.
type begun struct {
	net.Conn
	first []byte
}

func (b *begun) Read(into []byte) (int, error) {
	if n := copy(into, b.first); n > 0 {
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(into)
}

type connectionKey struct{}

// remember keeps the connection in the context of its requests.
func remember(ctx context.Context, accepted net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, accepted)
}

// tlsOf is how the connection of a request is encrypted; nil for plain http.
func tlsOf(ctx context.Context) *tls.ConnectionState {
	accepted, _ := ctx.Value(connectionKey{}).(*connection)
	if accepted == nil {
		return nil
	}
	secure := accepted.secure.Load()
	if secure == nil {
		return nil
	}
	state := secure.ConnectionState()
	return &state
}

// listen takes connections on a free port of the loopback interface.
func listen(ctx context.Context, certificate tls.Certificate) (net.Listener, error) {
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving the accounts: %w", err)
	}
	return listener{Listener: free, config: &tls.Config{ //nolint:gosec // Old versions are for the policies to refuse, as on AWS.
		Certificates: []tls.Certificate{certificate},
		MinVersion:   tls.VersionTLS10,
	}}, nil
}
