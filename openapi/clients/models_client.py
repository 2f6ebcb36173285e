"""A client by httpx and the models of datamodel-codegen: what is found on which table, and what to run."""

import httpx
from models import Analysis, ColumnObject, TableObject

# An analysis takes seconds, and with prove=full minutes; httpx gives up after 5 s by default.
with httpx.Client(base_url="http://127.0.0.1:8080", timeout=httpx.Timeout(10, read=200)) as client:
    answer = client.get("/v1/targets/demo/toast", params={"severity_min": "medium", "prove": "full"})
    answer.raise_for_status()
    found = Analysis.model_validate_json(answer.content)
    for finding in found.findings:
        object_ = finding.object.root
        if isinstance(object_, (TableObject, ColumnObject)):
            print(finding.severity, object_.schema_, object_.table, finding.message)
    for advice in found.recommendations:
        print(advice.title, advice.findings, [statement.sql for statement in advice.statements])
