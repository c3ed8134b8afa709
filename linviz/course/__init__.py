"""What a learner imports: checks that judge an answer, quizzes, and how a chapter shows a figure or says a number.

    from linviz.course import checks, live, quizzes, say, show
"""
