package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

// session is one configured provider: whose credentials it has, and the region it works in.
type session struct {
	world     *account.World
	key       account.Key
	account   string
	region    string
	directory string
	// id is that of the resource that is changed; empty where one is made.
	id string
}

// of is the session at work on one resource.
func (s *session) of(id string) *session {
	about := *s
	about.id = id
	return &about
}

// configuration is the provider's configuration as the program and the stack's file give it.
type configuration struct {
	Region              string
	AllowedAccountIDs   []string
	ForbiddenAccountIDs []string
	AssumeRole          *struct {
		RoleARN     string `json:"roleArn"`
		SessionName string `json:"sessionName"`
	}
}

// Configure takes the configuration of a provider and refuses credentials of an account that it is not meant for. Values that are no
// strings arrive as JSON.
func (p *aws) Configure(ctx context.Context, request *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	properties, err := read(request.GetArgs())
	if err != nil {
		return nil, err
	}
	var c configuration
	for key, value := range properties {
		name := string(key)
		if !value.IsString() {
			continue // What is not known at preview.
		}
		text := value.StringValue()
		var into any
		switch name {
		case "region":
			c.Region = text
			continue
		case "allowedAccountIds":
			into = &c.AllowedAccountIDs
		case "forbiddenAccountIds":
			into = &c.ForbiddenAccountIDs
		case "assumeRole":
			into = &c.AssumeRole
		case "version", "pluginDownloadURL", "skipCredentialsValidation", "skipRegionValidation", "skipMetadataApiCheck":
			continue
		default:
			return nil, status.Errorf(codes.InvalidArgument, "the lab does not simulate aws:%s; remove it from the stack's file, "+
				"or deploy to AWS", name)
		}
		if err := json.Unmarshal([]byte(text), into); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "aws:%s is %s: %v", name, text, err)
		}
	}
	if c.Region == "" {
		return nil, status.Error(codes.InvalidArgument, "aws:region is missing; set it in the stack's file")
	}
	key, err := p.caller(c.AllowedAccountIDs)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	if c.AssumeRole != nil && c.AssumeRole.RoleARN != "" {
		if key, err = p.assume(ctx, key, c.AssumeRole.RoleARN, c.AssumeRole.SessionName); err != nil {
			return nil, err
		}
	}
	id := key.Account()
	if (len(c.AllowedAccountIDs) > 0 && !slices.Contains(c.AllowedAccountIDs, id)) || slices.Contains(c.ForbiddenAccountIDs, id) {
		return nil, status.Errorf(codes.PermissionDenied, "AWS account ID not allowed: %s; the credentials are those of %s, and "+
			"aws:allowedAccountIds is %s", id, key.Principal, strings.Join(c.AllowedAccountIDs, ", "))
	}
	p.sessions.put(ctx, &session{world: p.world, key: key, account: id, region: c.Region, directory: p.directory})
	return &pulumirpc.ConfigureResponse{SupportsPreview: true}, nil
}

func (p *aws) assume(ctx context.Context, key account.Key, roleARN, name string) (account.Key, error) {
	_, result, err := p.world.Authorize(ctx, &key, "sts:AssumeRole", roleARN, nil)
	if err == nil && result.Decision != policy.Allowed {
		err = fmt.Errorf("%s may not assume it: %s", key.Principal, result.Verdict())
	}
	if err == nil {
		if name == "" {
			name = "pulumi"
		}
		key, err = p.world.AssumeRole(roleARN, name)
	}
	if err != nil {
		return account.Key{}, status.Errorf(codes.PermissionDenied, "aws:assumeRole: assuming %s: %v", roleARN, err)
	}
	return key, nil
}

// may refuses what the session's principal is not allowed to do. The provider speaks to AWS over TLS 1.3.
func (s *session) may(ctx context.Context, action, arn string) error {
	return s.mayWith(ctx, action, arn, nil)
}

// mayWith is may for a request that has more condition keys.
func (s *session) mayWith(ctx context.Context, action, arn string, more map[string]any) error {
	request := map[string]any{"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:RequestedRegion": s.region}
	maps.Copy(request, more)
	_, result, err := s.world.Authorize(ctx, &s.key, action, arn, request)
	if err != nil {
		return err
	}
	if result.Decision != policy.Allowed {
		return &account.Error{Code: "AccessDenied", Message: fmt.Sprintf("%s is not authorized to perform %s on %s: %s",
			s.key.Principal, action, arn, result.Verdict())}
	}
	return nil
}

// sessions are those of a server's connections. A request does not say which provider instance it is for, but each has a connection
// of its own.
type sessions struct {
	mutex sync.Mutex
	byID  map[*connection]*session
}

// connection is told from others by its address, which structs without a field can share.
type connection struct{ _ byte }

type connectionKey struct{}

func (s *sessions) put(ctx context.Context, configured *session) {
	connected, _ := ctx.Value(connectionKey{}).(*connection)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.byID[connected] = configured
}

func (s *sessions) of(ctx context.Context) (*session, error) {
	connected, _ := ctx.Value(connectionKey{}).(*connection)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if found := s.byID[connected]; found != nil {
		return found, nil
	}
	return nil, status.Error(codes.FailedPrecondition, "the provider aws has not been configured")
}

// TagConn gives each connection an identity.
func (s *sessions) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, new(connection))
}

// HandleConn forgets a connection that has ended.
func (s *sessions) HandleConn(ctx context.Context, event stats.ConnStats) {
	if _, ended := event.(*stats.ConnEnd); ended {
		connected, _ := ctx.Value(connectionKey{}).(*connection)
		s.mutex.Lock()
		defer s.mutex.Unlock()
		delete(s.byID, connected)
	}
}

// TagRPC has nothing to add.
func (s *sessions) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC has nothing to do.
func (s *sessions) HandleRPC(context.Context, stats.RPCStats) {}
