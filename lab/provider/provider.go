// Package provider stands in for the plugins of the Pulumi providers aws and command, which only their publishers can build. The
// engine talks to it as it would to them, over gRPC; what it creates are the resources of an account.World. It is a simulation of
// pulumi-aws: it knows the resource types of kinds.go and refuses any other.
package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	"cross-account-s3/lab/account"
)

// aws simulates the provider pulumi-aws for one command of the Pulumi CLI.
type aws struct {
	pulumirpc.UnimplementedResourceProviderServer
	world     *account.World
	directory string // of the project, which paths of archives are relative to
	caller    func(accountIDs []string) (account.Key, error)
	observe   func(Operation)
	sessions  *sessions
}

// kinds are the resource types that the lab has, by their tokens.
var kinds = map[string]kind{
	"aws:accessanalyzer/analyzer:Analyzer":                                   of[analyzer](),
	"aws:cloudtrail/trail:Trail":                                             of[cloudTrail](),
	"aws:cloudwatch/dashboard:Dashboard":                                     of[dashboard](),
	"aws:cloudwatch/logGroup:LogGroup":                                       of[logGroup](),
	"aws:cloudwatch/metricAlarm:MetricAlarm":                                 of[metricAlarm](),
	"aws:ec2/vpcEndpoint:VpcEndpoint":                                        of[vpcEndpoint](),
	"aws:iam/role:Role":                                                      of[role](),
	"aws:iam/rolePolicy:RolePolicy":                                          of[rolePolicy](),
	"aws:lambda/function:Function":                                           of[function](),
	"aws:s3/accessPoint:AccessPoint":                                         of[accessPoint](),
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2":   of[bucketLifecycle](),
	"aws:s3/bucketLoggingV2:BucketLoggingV2":                                 of[bucketLogging](),
	"aws:s3/bucketMetric:BucketMetric":                                       of[bucketMetric](),
	"aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": of[bucketObjectLock](),
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls":                 of[bucketOwnershipControls](),
	"aws:s3/bucketPolicy:BucketPolicy":                                       of[bucketPolicy](),
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":                 of[bucketPublicAccessBlock](),
	"aws:kms/alias:Alias":                                                    of[kmsAlias](),
	"aws:kms/key:Key":                                                        of[kmsKey](),
	"aws:kms/keyPolicy:KeyPolicy":                                            of[kmsKeyPolicy](),
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": of[bucketEncryption](),
	"aws:s3/bucketV2:BucketV2":                     of[bucket](),
	"aws:s3/bucketVersioningV2:BucketVersioningV2": of[bucketVersioning](),
	"aws:sns/topic:Topic":                          of[topic](),
	"aws:sns/topicPolicy:TopicPolicy":              of[topicPolicy](),
	"aws:sns/topicSubscription:TopicSubscription":  of[topicSubscription](),

	"aws:ram/principalAssociation:PrincipalAssociation": of[principalAssociation](),
	"aws:ram/resourceAssociation:ResourceAssociation":   of[resourceAssociation](),
	"aws:ram/resourceShare:ResourceShare":               of[resourceShare](),
	"aws:secretsmanager/secret:Secret":                  of[secret](),
	"aws:secretsmanager/secretPolicy:SecretPolicy":      of[secretPolicy](),
	"aws:secretsmanager/secretVersion:SecretVersion":    of[secretVersion](),
	"aws:ssm/parameter:Parameter":                       of[ssmParameter](),
}

func kindOf(urn string) (kind, resource.URN, error) {
	parsed, err := resource.ParseURN(urn)
	if err != nil {
		return nil, "", status.Errorf(codes.InvalidArgument, "%v", err)
	}
	token := string(parsed.Type())
	found := kinds[token]
	if found == nil {
		return nil, "", status.Errorf(codes.Unimplemented, "the lab does not simulate %s; it has %s",
			token, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	return found, parsed, nil
}

// GetPluginInfo says which version of pulumi-aws this stands in for.
func (p *aws) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "6.83.2"}, nil
}

// Attach is how the engine greets a provider that it did not start itself.
func (p *aws) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Check checks a resource's inputs and fills in AWS's defaults.
func (p *aws) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	kind, _, err := kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	news, err := read(request.GetNews())
	if err != nil {
		return nil, err
	}
	inputs, failures := kind.check(news)
	text, err := write(inputs)
	return &pulumirpc.CheckResponse{Inputs: text, Failures: failures}, err
}

// Diff says what a change of inputs means for a resource.
func (p *aws) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	kind, _, err := kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	olds, err := read(request.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := read(request.GetNews())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true, DetailedDiff: map[string]*pulumirpc.PropertyDiff{},
	}
	for _, key := range changed(kind, olds, news) {
		if slices.Contains(request.GetIgnoreChanges(), key) {
			continue
		}
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		response.Diffs = append(response.Diffs, key)
		_, had := olds[resource.PropertyKey(key)]
		_, has := news[resource.PropertyKey(key)]
		replaces := kind.fields()[key].replaces
		if replaces {
			response.Replaces = append(response.Replaces, key)
		}
		response.DetailedDiff[key] = &pulumirpc.PropertyDiff{Kind: diffKind(had, has, replaces), InputDiff: true}
	}
	// Every kind has a physical name that the program gives it, so that old and new cannot be there at once, unless it is the name that
	// changes.
	response.DeleteBeforeReplace = true
	for name, field := range kind.fields() {
		if field.name && slices.Contains(response.Diffs, name) {
			response.DeleteBeforeReplace = false
		}
	}
	return response, nil
}

func diffKind(had, has, replaces bool) pulumirpc.PropertyDiff_Kind {
	switch {
	case !had && replaces:
		return pulumirpc.PropertyDiff_ADD_REPLACE
	case !had:
		return pulumirpc.PropertyDiff_ADD
	case !has && replaces:
		return pulumirpc.PropertyDiff_DELETE_REPLACE
	case !has:
		return pulumirpc.PropertyDiff_DELETE
	case replaces:
		return pulumirpc.PropertyDiff_UPDATE_REPLACE
	}
	return pulumirpc.PropertyDiff_UPDATE
}

// changed are the inputs that differ, sorted.
func changed(kind kind, olds, news resource.PropertyMap) []string {
	keys := map[string]bool{}
	for _, inputs := range []resource.PropertyMap{olds, news} {
		for key := range inputs {
			keys[string(key)] = true
		}
	}
	var result []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !strings.HasPrefix(key, "__") && !same(kind.fields()[key], olds[resource.PropertyKey(key)], news[resource.PropertyKey(key)]) {
			result = append(result, key)
		}
	}
	return result
}

// Create makes a resource; at preview it only answers with what is known of it.
func (p *aws) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	kind, urn, err := kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := read(request.GetProperties())
	if err != nil {
		return nil, err
	}
	if request.GetPreview() {
		// What the resource only gets when it is made, as its ARN, is not there: the SDK takes that for not known yet.
		text, err := write(inputs)
		return &pulumirpc.CreateResponse{Properties: text}, err
	}
	session, err := p.begin(ctx, urn, "create")
	if err != nil {
		return nil, err
	}
	id, err := kind.put(ctx, session, inputs, true)
	if err != nil {
		return nil, failed("creating", urn, id, err)
	}
	outputs, err := kind.get(ctx, session, id, inputs)
	if err != nil {
		return nil, failed("reading", urn, id, err)
	}
	text, err := write(outputs)
	return &pulumirpc.CreateResponse{Id: id, Properties: text}, err
}

// Update changes a resource in place.
func (p *aws) Update(ctx context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	kind, urn, err := kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := read(request.GetNews())
	if err != nil {
		return nil, err
	}
	if request.GetPreview() {
		outputs, err := read(request.GetOlds())
		if err != nil {
			return nil, err
		}
		maps.Copy(outputs, inputs)
		text, err := write(outputs)
		return &pulumirpc.UpdateResponse{Properties: text}, err
	}
	session, err := p.begin(ctx, urn, "update")
	if err != nil {
		return nil, err
	}
	if _, err := kind.put(ctx, session.of(request.GetId()), inputs, false); err != nil {
		return nil, failed("updating", urn, request.GetId(), err)
	}
	outputs, err := kind.get(ctx, session, request.GetId(), inputs)
	if err != nil {
		return nil, failed("reading", urn, request.GetId(), err)
	}
	text, err := write(outputs)
	return &pulumirpc.UpdateResponse{Properties: text}, err
}

// Read looks at what a resource is now, whoever changed it. A resource that is gone has no id in the answer.
func (p *aws) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	kind, urn, err := kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := read(request.GetInputs())
	if err != nil {
		return nil, err
	}
	session, err := p.begin(ctx, urn, "read")
	if err != nil {
		return nil, err
	}
	outputs, err := kind.get(ctx, session, request.GetId(), inputs)
	if isGone(err) {
		return &pulumirpc.ReadResponse{}, nil
	}
	if err != nil {
		return nil, failed("reading", urn, request.GetId(), err)
	}
	known := len(inputs) > 0 // An import comes without inputs and takes them all from what is there.
	for key, field := range kind.fields() {
		key := resource.PropertyKey(key)
		current, exists := outputs[key]
		old, had := inputs[key]
		switch {
		case field.local:
		case !exists:
			delete(inputs, key)
		case had && same(field, old, current):
			outputs[key] = old
		case had || !known:
			inputs[key] = current
		}
	}
	inputText, err := write(inputs)
	if err != nil {
		return nil, err
	}
	text, err := write(outputs)
	return &pulumirpc.ReadResponse{Id: request.GetId(), Inputs: inputText, Properties: text}, err
}

// Delete removes a resource; that it is gone already is no error.
func (p *aws) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	kind, urn, err := kindOf(request.GetUrn())
	if err != nil {
		return nil, err
	}
	properties, err := read(request.GetProperties())
	if err != nil {
		return nil, err
	}
	session, err := p.begin(ctx, urn, "delete")
	if err != nil {
		return nil, err
	}
	if err := kind.remove(ctx, session, request.GetId(), properties); err != nil && !isGone(err) {
		return nil, failed("deleting", urn, request.GetId(), err)
	}
	return &emptypb.Empty{}, nil
}

// Invoke calls a function, at preview as at up. It is no operation on a resource, and nobody is told of it.
func (p *aws) Invoke(ctx context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	function := functions[request.GetTok()]
	if function == nil {
		return nil, status.Errorf(codes.Unimplemented, "the lab does not simulate the function %s", request.GetTok())
	}
	inputs, err := read(request.GetArgs())
	if err != nil {
		return nil, err
	}
	session, err := p.sessions.of(ctx)
	if err != nil {
		return nil, err
	}
	outputs, err := function(ctx, session, inputs)
	if err != nil {
		return nil, status.Errorf(codes.Unknown, "invoking %s: %v", request.GetTok(), err)
	}
	text, err := write(resource.NewPropertyMapFromMap(outputs))
	return &pulumirpc.InvokeResponse{Return: text}, err
}

// begin tells the observer and finds the session of the connection that the request came on. A command that has ended meanwhile
// changes nothing any more.
func (p *aws) begin(ctx context.Context, urn resource.URN, kind string) (*session, error) {
	if p.observe != nil {
		p.observe(Operation{Context: ctx, URN: urn, Kind: kind})
	}
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return p.sessions.of(ctx)
}

// isGone says whether AWS answered that there is no such thing.
func isGone(err error) bool {
	var refusal *account.Error
	return errors.As(err, &refusal) && slices.Contains([]string{
		"NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "ResourceNotFoundException", "NotFoundException", "TrailNotFoundException",
		"InvalidVpcEndpointId.NotFound", "ParameterNotFound", "UnknownResourceException", "NoSuchAccessPoint", notConfigured,
	}, refusal.Code)
}

func failed(doing string, urn resource.URN, id string, err error) error {
	what := string(urn.Type())
	if id == "" {
		id = urn.Name()
	}
	return status.Error(codes.Unknown, fmt.Sprintf("%s %s (%s): %v", doing, what[strings.LastIndexByte(what, ':')+1:], id, err))
}

var marshalling = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: false, KeepResources: false, SkipNulls: true}

func read(properties *structpb.Struct) (resource.PropertyMap, error) {
	if properties == nil {
		return resource.PropertyMap{}, nil
	}
	return plugin.UnmarshalProperties(properties, marshalling)
}

func write(properties resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(properties, marshalling)
}
