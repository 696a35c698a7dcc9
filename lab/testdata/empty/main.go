// A Lambda function that does nothing but what the handler cannot do without: one request to S3. Cold starts are measured against it.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	settings, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		os.Exit(1)
	}
	client := s3.NewFromConfig(settings)
	lambda.Start(func(ctx context.Context, event struct{ BucketName, ObjectKey string }) error {
		_, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(event.BucketName), Key: aws.String(event.ObjectKey)})
		return err
	})
}
