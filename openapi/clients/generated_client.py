"""A client by openapi-python-client: what is found on which table, and what to run."""

from io import BytesIO

from database_optimizer_client import AuthenticatedClient
from database_optimizer_client.api.analysis import toast
from database_optimizer_client.api.workload import tell_workload
from database_optimizer_client.models import Analysis, ColumnObject, Severity, TableObject, ToastCheckItem
from database_optimizer_client.types import File

client = AuthenticatedClient(base_url="http://127.0.0.1:8080", token="…", raise_on_unexpected_status=True)
tell_workload.sync("demo", client=client, body=File(BytesIO(b"sql,calls,mean_ms\nselect 1,10,0.1\n")))
found = toast.sync("demo", client=client, severity_min=Severity.MEDIUM, check=[ToastCheckItem.TOASTVECTOR_OUT_OF_LINE])
if isinstance(found, Analysis):
    for finding in found.findings:
        if isinstance(finding.object_, (TableObject, ColumnObject)):
            print(finding.severity, finding.object_.table, finding.message)
    for advice in found.recommendations:
        print(advice.title, advice.findings, [statement.sql for statement in advice.statements])
