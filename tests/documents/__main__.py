"""`python -m tests.documents` writes the generated parts of the documents anew."""

from tests.documents.generated import write
from tests.documents.markdown import DOCUMENTS

write(DOCUMENTS)
