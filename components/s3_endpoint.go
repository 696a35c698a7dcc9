package components

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// S3EndpointArgs are the inputs of an S3Endpoint. They are plain values, so that the endpoint's policy is known at preview.
type S3EndpointArgs struct {
	// VPC is where the endpoint is.
	VPC VPC
	// Access is what the endpoint lets through, for principals of the account of Place.
	Access Access
	// Place is the account and the region of the VPC.
	Place Place
}

// S3Endpoint is a gateway endpoint for S3: what subnets with its route tables send to S3 goes through it, all of it, and its policy lets
// through the access to the one bucket. What S3 asks of KMS for such a request is S3's own, and does not come through it.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html
type S3Endpoint struct {
	pulumi.ResourceState

	// ID is the endpoint's id, which a bucket policy can demand of requests.
	ID pulumi.IDOutput

	endpoint pulumi.Resource
}

// awsVersion is the version of pulumi-aws that the other resources ask for; with another one, the engine would start a second provider.
const awsVersion = "6.83.2"

// vpcEndpointArgs are the inputs of aws:ec2/vpcEndpoint:VpcEndpoint that are needed here. The package of pulumi-aws that has all of them is
// by far its largest, and would be most of the time that this program takes to compile.
// https://www.pulumi.com/registry/packages/aws/api-docs/ec2/vpcendpoint/
type vpcEndpointArgs struct {
	Policy          string   `pulumi:"policy"`
	RouteTableIDs   []string `pulumi:"routeTableIds"`
	ServiceName     string   `pulumi:"serviceName"`
	VPCEndpointType string   `pulumi:"vpcEndpointType"`
	VPCID           string   `pulumi:"vpcId"`
}

// ElementType is the type itself, as all its inputs are plain.
func (*vpcEndpointArgs) ElementType() reflect.Type { return reflect.TypeFor[vpcEndpointArgs]() }

// NewS3Endpoint registers the endpoint.
func NewS3Endpoint(ctx *pulumi.Context, name string, args *S3EndpointArgs, opts ...pulumi.ResourceOption) (*S3Endpoint, error) {
	component := &S3Endpoint{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:S3Endpoint", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering S3 endpoint %s: %w", name, err)
	}
	document, err := args.Access.endpointDocument(args.Place.AccountID)
	if err != nil {
		return nil, err
	}
	endpoint := &pulumi.CustomResourceState{}
	if err := ctx.RegisterResource("aws:ec2/vpcEndpoint:VpcEndpoint", name, &vpcEndpointArgs{
		Policy:          document,
		RouteTableIDs:   slices.Sorted(slices.Values(args.VPC.RouteTableIDs)),
		ServiceName:     "com.amazonaws." + args.Place.Region + ".s3",
		VPCEndpointType: "Gateway",
		VPCID:           args.VPC.ID,
	}, endpoint, pulumi.Parent(component), pulumi.Version(awsVersion)); err != nil {
		return nil, fmt.Errorf("registering the S3 endpoint of %s: %w", args.VPC.ID, err)
	}
	component.ID, component.endpoint = endpoint.ID(), endpoint
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"id": component.ID}); err != nil {
		return nil, fmt.Errorf("registering the outputs of S3 endpoint %s: %w", name, err)
	}
	return component, nil
}
