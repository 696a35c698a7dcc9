package components

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// graph is one picture of a dashboard: metrics of one unit over time.
type graph struct {
	title   string
	metrics []metric
}

// newDashboard registers a dashboard with a text on top and two graphs side by side. It shows metrics of its own account: those of
// another one need a link between the accounts (OAM), which the other has to set up first.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Unified-Cross-Account.html
func newDashboard(ctx *pulumi.Context, name, watched, text string, place Place, graphs []graph, parent pulumi.Resource) error {
	dashboardName := watchName(watched, "access")
	body, err := dashboardBody(text, place, graphs)
	if err != nil {
		return err
	}
	if _, err := cloudwatch.NewDashboard(ctx, name, &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(dashboardName),
		DashboardBody: pulumi.String(body),
	}, pulumi.Parent(parent)); err != nil {
		return fmt.Errorf("registering dashboard %s: %w", dashboardName, err)
	}
	return nil
}

// dashboardBody is the JSON of a dashboard, which is 24 units wide.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
func dashboardBody(text string, place Place, graphs []graph) (string, error) {
	type widget struct {
		Type       string         `json:"type"`
		X          int            `json:"x"`
		Y          int            `json:"y"`
		Width      int            `json:"width"`
		Height     int            `json:"height"`
		Properties map[string]any `json:"properties"`
	}
	const textHeight, width, height = 2, 12, 6
	widgets := []widget{{Type: "text", Width: 2 * width, Height: textHeight, Properties: map[string]any{"markdown": text}}}
	for i, graph := range graphs {
		var lines [][]any
		for _, metric := range graph.metrics {
			line := []any{metric.namespace, metric.name}
			for _, dimension := range slices.Sorted(maps.Keys(metric.dimensions)) {
				line = append(line, dimension, metric.dimensions[dimension])
			}
			lines = append(lines, append(line, map[string]any{"stat": metric.statistic}))
		}
		widgets = append(widgets, widget{
			Type: "metric", X: i % 2 * width, Y: textHeight + i/2*height, Width: width, Height: height,
			Properties: map[string]any{
				"title": graph.title, "region": place.Region, "view": "timeSeries", "period": alarmPeriod, "metrics": lines,
			},
		})
	}
	body, err := json.Marshal(map[string]any{"widgets": widgets})
	if err != nil {
		return "", fmt.Errorf("writing a dashboard: %w", err)
	}
	return string(body), nil
}
