package components

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"google.golang.org/grpc/status"
)

// FunctionArgs are the inputs of a Function.
type FunctionArgs struct {
	// Settings are how the function runs.
	Settings FunctionSettings
	// LogGroupName is where it writes its logs.
	LogGroupName string
	// Access is what the function may do; the handler keeps to the same bucket and folder that the policies name.
	Access Access
	// BucketOwner is the account the bucket has to belong to.
	BucketOwner string
	// Role is what the function runs as. The function waits for the whole of it, its policies included.
	Role *ExecutionRole
	// VPC is the network that it is connected to, and Endpoint its way to S3 there, which it waits for; nil where there is none.
	VPC      VPC
	Endpoint *S3Endpoint
}

// Function is the Lambda function: the handler of this project, built on the spot, and its log group.
type Function struct {
	pulumi.ResourceState

	// ARN is the function's ARN.
	ARN pulumi.StringOutput
	// Name is the function's name.
	Name pulumi.StringOutput
	// LogGroupName is the log group the function writes to.
	LogGroupName pulumi.StringOutput
}

// NewFunction builds the handler and registers the log group and the function. It has to run in the project's directory, which is
// where the engine starts a program.
func NewFunction(ctx *pulumi.Context, name string, args *FunctionArgs, opts ...pulumi.ResourceOption) (*Function, error) {
	component := &Function{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:Function", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering function component %s: %w", name, err)
	}

	archive, hash, err := buildHandler(ctx, args.Settings.Architecture, pulumi.Parent(component))
	if err != nil {
		return nil, err
	}

	// Lambda would make the group by itself on the first invocation, without a retention.
	logGroup, err := cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name:            pulumi.String(args.LogGroupName),
		RetentionInDays: pulumi.Int(args.Settings.LogRetentionDays),
	}, pulumi.Parent(component))
	if err != nil {
		return nil, fmt.Errorf("registering log group %s: %w", args.LogGroupName, err)
	}

	// The policies one by one: the SDK learns of a component's children only while they are being registered, so that depending on the
	// component leaves out those that have not come so far.
	needed := slices.Clone(args.Role.policies)
	if args.Endpoint != nil {
		needed = append(needed, args.Endpoint.endpoint)
	}
	function, err := lambda.NewFunction(ctx, name, &lambda.FunctionArgs{
		Name:                         pulumi.String(args.Settings.Name),
		Description:                  pulumi.Sprintf("Uses the bucket %s of account %s", args.Access.BucketName, args.BucketOwner),
		Role:                         args.Role.ARN,
		PackageType:                  pulumi.String("Zip"),
		Runtime:                      pulumi.String("provided.al2023"),
		Handler:                      pulumi.String("bootstrap"),
		Architectures:                pulumi.ToStringArray([]string{args.Settings.Architecture}),
		Code:                         pulumi.NewFileArchive(archive),
		SourceCodeHash:               pulumi.String(hash),
		MemorySize:                   pulumi.Int(args.Settings.MemorySize),
		Timeout:                      pulumi.Int(args.Settings.Timeout),
		ReservedConcurrentExecutions: pulumi.Int(args.Settings.ReservedConcurrency),
		TracingConfig:                lambda.FunctionTracingConfigArgs{Mode: pulumi.String(args.Settings.Tracing)},
		LoggingConfig: lambda.FunctionLoggingConfigArgs{
			LogFormat: pulumi.String("JSON"),
			LogGroup:  logGroup.Name,
		},
		Environment: lambda.FunctionEnvironmentArgs{Variables: pulumi.ToStringMap(args.environment())},
		VpcConfig:   args.vpcConfig(),
	}, pulumi.Parent(component), pulumi.DependsOn(needed))
	if err != nil {
		return nil, fmt.Errorf("registering function %s: %w", args.Settings.Name, err)
	}

	component.ARN = function.Arn
	component.Name = function.Name
	component.LogGroupName = logGroup.Name
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{
		"arn":          component.ARN,
		"name":         component.Name,
		"logGroupName": component.LogGroupName,
	}); err != nil {
		return nil, fmt.Errorf("registering the outputs of function component %s: %w", name, err)
	}
	return component, nil
}

// vpcConfig connects the function to its VPC; nil where there is none.
func (args *FunctionArgs) vpcConfig() lambda.FunctionVpcConfigPtrInput {
	if !args.VPC.connects() {
		return nil
	}
	return lambda.FunctionVpcConfigArgs{
		SubnetIds:        pulumi.ToStringArray(slices.Sorted(slices.Values(args.VPC.SubnetIDs))),
		SecurityGroupIds: pulumi.ToStringArray(slices.Sorted(slices.Values(args.VPC.SecurityGroupIDs))),
	}
}

// environment is what the handler reads its own bounds from.
func (args *FunctionArgs) environment() map[string]string {
	environment := map[string]string{
		"BUCKETS":      args.Access.BucketName,
		"BUCKET_OWNER": args.BucketOwner,
		"OVERSIZE":     args.Settings.Oversize,
		"PRESIGN_TTL":  args.Settings.PresignTTL.String(),
	}
	if args.Access.Prefix != "" {
		environment["KEY_PREFIX"] = args.Access.Prefix
	}
	return environment
}

// buildHandler builds the handler for an architecture and packs it, with nothing but Go. It returns the archive's path relative to
// the project directory, because that is what the state records and it must not differ between clones, and the SHA-256 of its
// bytes in base64, as Lambda reports it.
//
// The same sources and the same Go give the same bytes, in any directory and at any time: no paths, no VCS stamp, no build id,
// and an archive with fixed times. Because of that it can be built at every preview and still show no change.
func buildHandler(ctx *pulumi.Context, architecture string, opts ...pulumi.InvokeOption) (path, hash string, err error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", "", fmt.Errorf("finding the project directory: %w", err)
	}
	logging := local.LoggingNone // A failed build's output is in the error; a good one has nothing to say.
	command, path := buildCommand(architecture)
	if _, err := local.Run(ctx, &local.RunArgs{
		Command: command,
		Dir:     &directory,
		// A go.work in a directory above would change what is built.
		Environment: map[string]string{"GOWORK": "off"},
		Logging:     &logging,
	}, opts...); err != nil {
		return "", "", fmt.Errorf("building the handler for %s: %s", architecture, status.Convert(err).Message())
	}
	archive, err := os.ReadFile(filepath.Join(directory, path))
	if err != nil {
		return "", "", fmt.Errorf("reading the handler's archive: %w", err)
	}
	sum := sha256.Sum256(archive)
	return path, base64.StdEncoding.EncodeToString(sum[:]), nil
}

// buildCommand is the shell command that builds and packs the handler, and the archive it leaves, both relative to the project
// directory. build-lambda-zip keeps the executable bit, which Pulumi's own archives drop.
func buildCommand(architecture string) (command, archive string) {
	// Instruction sets are spelled out, so that neither the machine nor its Go settings decide about the bytes.
	target := map[string]string{
		"arm64":  "GOARCH=arm64 GOARM64=v8.0",
		"x86_64": "GOARCH=amd64 GOAMD64=v1",
	}[architecture]
	directory := ".build/lambda/" + architecture
	archive = directory + "/handler.zip"
	// The second line runs on this machine. The archive is put in place in one step: another preview may be reading it.
	return fmt.Sprintf(`set -e
CGO_ENABLED=0 GOOS=linux %[1]s go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags '-s -w -buildid=' -o %[2]s/bootstrap ./handler
GOOS= GOARCH= go run github.com/aws/aws-lambda-go/cmd/build-lambda-zip -o %[3]s.$$ %[2]s/bootstrap
mv %[3]s.$$ %[3]s`, target, directory, archive), archive
}
