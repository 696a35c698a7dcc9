// Package endpoint is the network face of simulated accounts: S3, STS and Lambda's Invoke, over https and over plain http, on the
// loopback interface. Signatures and TLS are real. Who may do what is decided by the policies of the accounts, for every request; what
// is allowed of S3 is done by gofakes3.
package endpoint

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rclone/gofakes3"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

// Invocation is what came of invoking a function.
type Invocation struct {
	// Payload is the function's answer, or its error as JSON.
	Payload []byte
	// FunctionError is empty where the function succeeded.
	FunctionError string
	// LogTail is the end of what the function wrote.
	LogTail   []byte
	RequestID string
}

// Invoker runs a function. An *Error is answered as it is.
type Invoker func(ctx context.Context, function account.Function, payload []byte) (Invocation, error)

// Access is a request that has been decided.
type Access struct {
	Time time.Time
	// Principal is the ARN of a session, or anonymous.
	Principal string
	Action    string
	Resource  string
	// Transport is "plain http", or the version of TLS as in "TLS 1.3".
	Transport string
	Case      policy.Case
	Result    policy.Result
}

// Endpoint serves accounts.
type Endpoint struct {
	world       *account.World
	invoke      Invoker
	objects     http.Handler
	secure      string
	plain       string
	caFile      string
	certificate tls.Certificate
	servers     []*http.Server
	serving     sync.WaitGroup
	mutex       sync.RWMutex
	observer    func(Access)
}

// Start serves the accounts of a world on two free ports, until Close; the context is for starting. It writes the certificate of its
// authority into the directory.
func Start(ctx context.Context, world *account.World, invoke Invoker, directory string) (*Endpoint, error) {
	certificate, caFile, err := issue(directory)
	if err != nil {
		return nil, err
	}
	e := &Endpoint{world: world, invoke: invoke, caFile: caFile, observer: func(Access) {}}
	// Skewed clocks are the signature's business.
	e.objects = gofakes3.New(storage{world.Objects(), world}, gofakes3.WithTimeSkewLimit(0)).Server()
	if e.secure, err = e.listen(ctx, &certificate, nil); err == nil {
		e.plain, err = e.listen(ctx, nil, nil)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.certificate = certificate
	return e, nil
}

// listen serves the accounts on a free port, with TLS where there is a certificate, and behind a VPC endpoint where there is one.
func (e *Endpoint) listen(ctx context.Context, certificate *tls.Certificate, behind *vpcEndpoint) (address string, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("serving the accounts: %w", err)
	}
	address = listener.Addr().String()
	if certificate != nil {
		listener = tls.NewListener(listener, &tls.Config{ //nolint:gosec // Old versions are for the policies to refuse, as on AWS.
			Certificates: []tls.Certificate{*certificate},
			MinVersion:   tls.VersionTLS10,
		})
	}
	server := &http.Server{
		Handler: http.HandlerFunc(e.serve), ReadHeaderTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), vpcEndpointKey{}, behind)
		},
		ErrorLog: log.New(io.Discard, "", 0), // A client that goes away, or does not trust the certificate, is its own affair.
	}
	e.mutex.Lock()
	e.servers = append(e.servers, server)
	e.mutex.Unlock()
	e.serving.Go(func() { _ = server.Serve(listener) }) // Which ends with Close.
	return address, nil
}

// vpcEndpoint is a VPC endpoint for S3 in the VPC of somebody.
type vpcEndpoint struct{ id, vpc string }

type vpcEndpointKey struct{}

// ServeVPCEndpoint serves the accounts over TLS to those in a VPC, through an endpoint of it, until Close. What comes to the URL has the
// ids of both, as vpce-0123456789abcdef0 and vpc-0123456789abcdef0, and a private address.
func (e *Endpoint) ServeVPCEndpoint(ctx context.Context, id, vpc string) (url string, err error) {
	address, err := e.listen(ctx, &e.certificate, &vpcEndpoint{id: id, vpc: vpc})
	return "https://" + address, err
}

// URL is where the accounts answer over TLS.
func (e *Endpoint) URL() string { return "https://" + e.secure }

// PlainURL is where they answer over plain http.
func (e *Endpoint) PlainURL() string { return "http://" + e.plain }

// CAFile is the certificate to trust, as PEM.
func (e *Endpoint) CAFile() string { return e.caFile }

// Observe has each decision told to a function, before the request is answered. It takes the place of the one before.
func (e *Endpoint) Observe(observer func(Access)) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.observer = observer
}

// Close ends all connections.
func (e *Endpoint) Close() error {
	var problems []error
	for _, server := range e.servers {
		problems = append(problems, server.Close())
	}
	e.serving.Wait()
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("closing the accounts' endpoint: %w", err)
	}
	return nil
}

// request is a request with what has been found out about it.
type request struct {
	*http.Request
	id string
	// key is whose signature it has, nil for nobody's.
	key *account.Key
	// point is the access point that it came through, nil for none.
	point *account.AccessPoint
	// region and service are those that it was signed for.
	region, service string
	presigned       bool
	time            time.Time
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	asked := &request{Request: r, id: rand.Text()[:16], time: time.Now().UTC()}
	ctx := r.Context()
	err := e.identify(ctx, asked)
	if err == nil {
		switch asked.service {
		case "", "s3":
			err = e.watchS3(ctx, w, asked)
		case "sts":
			err = e.serveSTS(w, asked)
		case "lambda":
			err = e.serveLambda(ctx, w, asked)
		default:
			err = &Error{http.StatusNotImplemented, "NotImplemented", fmt.Sprintf("the lab has no %s; it has s3, sts and lambda", asked.service)}
		}
	}
	if err != nil {
		respond(w, asked, err)
	}
}

// ask is one thing that a request needs a permission for.
type ask struct {
	action, arn string
	// version is that of the object, where one is named.
	version string
	// copied is whether it is about what the request copies, which is not asked for through an access point.
	copied bool
}

// authorize decides what a request needs, and refuses when any of it is not allowed.
func (e *Endpoint) authorize(ctx context.Context, r *request, asks []ask, conditions map[string]any) error {
	e.mutex.RLock()
	observer := e.observer
	e.mutex.RUnlock()
	for _, need := range asks {
		if err := e.decide(ctx, r, need, conditions, observer); err != nil {
			return err
		}
	}
	return nil
}

// decide decides about one thing that a request needs, and refuses when it is not allowed: through an access point, by the policies about
// that first, and then by those about the bucket.
func (e *Endpoint) decide(ctx context.Context, r *request, need ask, conditions map[string]any, observer func(Access)) error {
	conditions = maps.Clone(conditions)
	if need.version != "" {
		conditions["s3:VersionId"] = need.version
	}
	resources := []string{need.arn}
	if r.through(need) {
		resources = []string{r.point.Seen(need.arn), need.arn}
		maps.Copy(conditions, r.point.Conditions())
	}
	for _, arn := range resources {
		c, result, err := e.world.Authorize(ctx, r.key, need.action, arn, conditions)
		if err != nil {
			return &Error{http.StatusBadRequest, "InvalidRequest", err.Error()}
		}
		observer(Access{
			Time: r.time, Principal: c.Request.Principal, Action: need.action, Resource: arn, Transport: transport(r.Request),
			Case: c, Result: result,
		})
		if result.Decision != policy.Allowed {
			return denied(c, result)
		}
	}
	return nil
}

func transport(r *http.Request) string {
	if r.TLS == nil {
		return "plain http"
	}
	return "TLS " + tlsVersion(r.TLS.Version)
}

// tlsVersion is a version as s3:TlsVersion has it.
func tlsVersion(version uint16) string {
	return map[uint16]string{tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1", tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}[version]
}
